package inspect

import (
	"crypto/x509"
	"encoding/pem"
	"path"
	"slices"
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
	there := slices.IndexFunc(places, func(name string) bool {
		_, err := t.find(path.Join(zonesPath, name), false)
		return err == nil
	})
	for _, name := range []string{"UTC", places[max(0, there)]} {
		if _, err := time.LoadLocationFromTZData(name, t.read(path.Join(zonesPath, name))); err != nil {
			z.Broken = append(z.Broken, name)
		} else {
			z.Loaded = append(z.Loaded, name)
		}
	}
	return z
}
