package inspect

import (
	"fmt"
	"path"
	"strings"
)

// Packages that bring what an image would have to have otherwise.
const (
	certificatesPackage = "golang.org/x/crypto/x509roots/fallback"
	zonesPackage        = "time/tzdata"
)

func (j *judge) certificates() {
	const fix = "stand on a base that has them, or build with --certs bundled"
	c := j.img.Certificates
	switch {
	case c.Valid > 0 || j.img.has(certificatesPackage):
	case c.Path == "":
		j.add("certificates-missing", Medium, "it has no certificates of authorities, so that no TLS server can be trusted", fix)
	case c.Expired > 0:
		j.add("certificates-expired", Medium, fmt.Sprintf("all %d certificates in %s have expired", c.Expired, c.Path), fix, c.Path)
	default:
		j.add("certificates-invalid", Medium, fmt.Sprintf("%s has no certificate that can be read", c.Path), fix, c.Path)
	}
}

func (j *judge) zones() {
	const fix = "stand on a base that has them, build with --certs bundled, or import time/tzdata"
	z := j.img.Zones
	switch {
	case len(z.Broken) == 0 && z.Found || j.img.has(zonesPackage):
	case !z.Found:
		j.add("zoneinfo-missing", Low, "it has no time zones in "+zonesPath, fix)
	default:
		j.add("zoneinfo-invalid", Low, "time zones do not load: "+strings.Join(z.Broken, ", "), fix, path.Join(zonesPath, z.Broken[0]))
	}
}

func (j *judge) expected() {
	d := j.img.Difference
	if d == nil {
		return
	}
	j.list("files-extra", High, d.Extra, "its layers add what was not expected", "find out where these files come from")
	j.list("files-missing", High, d.Missing, "its layers do not add", "build the image again")
	j.list("files-removed", High, d.Removed, "its layers take files of the base away at", "find out what removes them")
}
