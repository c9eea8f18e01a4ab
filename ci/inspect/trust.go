package inspect

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"path"
	"strings"
	"time"
)

// bundles are the files of which Go's crypto/x509 loads the first on Linux
// (root_linux.go).
var bundles = []string{
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/pki/tls/cacert.pem",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/ssl/cert.pem",
}

// certificates judges the bundle that a Go program would load.
func (t *tree) certificates(env []string, now time.Time) Certificates {
	candidates := bundles
	for _, e := range env {
		if file, ok := strings.CutPrefix(e, "SSL_CERT_FILE="); ok && file != "" {
			candidates = []string{file}
		}
	}
	for _, file := range candidates {
		at, err := t.find(file, true)
		if err != nil || !at.mode.IsRegular() {
			continue
		}
		c := Certificates{Path: file}
		for rest := at.data; ; {
			var block *pem.Block
			if block, rest = pem.Decode(rest); block == nil {
				return c
			}
			if block.Type == "CERTIFICATE" {
				c.count(block.Bytes, now)
			}
		}
	}
	return Certificates{}
}

func (c *Certificates) count(der []byte, now time.Time) {
	certificate, err := x509.ParseCertificate(der)
	switch {
	case err != nil:
		c.Broken++
	case now.After(certificate.NotAfter):
		c.Expired++
	default:
		c.Valid++
	}
}

const zonesPath = "/usr/share/zoneinfo"

// places are well-known zones, of which the first that is there is tried.
var places = []string{"America/New_York", "Europe/London", "Asia/Tokyo", "Asia/Jakarta"}

// zones tries UTC and one more zone, as time.LoadLocation would.
func (t *tree) zones() Zones {
	dir, err := t.find(zonesPath, true)
	if err != nil || !dir.mode.IsDir() {
		return Zones{}
	}
	z := Zones{Found: true}
	try := func(name string) bool {
		data, _, kept := t.read(path.Join(zonesPath, name))
		_, err := time.LoadLocationFromTZData(name, data)
		if !kept || err != nil || !bytes.HasPrefix(data, []byte("TZif")) {
			z.Broken = append(z.Broken, name)
			return false
		}
		z.Loaded = append(z.Loaded, name)
		return true
	}
	try("UTC")
	for _, name := range places {
		if _, err := t.find(path.Join(zonesPath, name), true); err == nil {
			try(name)
			return z
		}
	}
	try(cmp.Or(places...))
	return z
}
