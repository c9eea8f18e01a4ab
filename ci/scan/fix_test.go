package scan_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/scan"
)

func TestFix_IsTheShortestWayOut(t *testing.T) {
	t.Parallel()
	img := plan.Image{
		Builder: plan.Pin{Name: "golang", Tag: "1.26.8-alpine"}, Base: plan.Pin{Name: "gcr.io/distroless/static-debian13", Tag: "nonroot"},
		Mains: []plan.Main{{Name: "server"}},
	}
	loose := img
	loose.Builder.Tag = "1.26-alpine"
	pkg := func(kind, name, installed string, fixed ...string) finding.Finding {
		return finding.Finding{
			Gate: finding.GateVulnerabilities, ID: "CVE-1", Paths: []string{"/app/server"},
			Package: &finding.Package{Kind: kind, Name: name, Installed: installed, Fixed: fixed},
		}
	}
	elsewhere := pkg(scan.StandardLibrary, "stdlib", "v1.22.0", "1.26.9")
	elsewhere.Paths = []string{"/usr/bin/tool"}
	const base = "the base gcr.io/distroless/static-debian13:nonroot"
	for name, tc := range map[string]struct {
		finding finding.Finding
		image   plan.Image
		want    string
	}{
		"the next patch release": {pkg(scan.StandardLibrary, "stdlib", "v1.26.8", "1.25.14", "1.27.2", "1.26.9"), img, "build with Go 1.26.9: pin golang:1.26.9-alpine as the builder"},
		"no later patch release": {pkg(scan.StandardLibrary, "stdlib", "v1.26.8", "1.25.14", "1.27.2"), img, "build with Go 1.27.2: pin golang:1.27.2-alpine as the builder"},
		"a tag without a patch":  {pkg(scan.StandardLibrary, "stdlib", "v1.26.8", "1.26.9"), loose, "build with Go 1.26.9: pin an image of it as the builder"},
		"a release without one":  {pkg(scan.StandardLibrary, "stdlib", "v1.26.8"), img, "no release after Go 1.26.8 is known to have a fix: look for one"},
		"a program of the base":  {elsewhere, img, "take a newer digest of " + base + ", which has that program"},
		"a module":               {pkg(scan.GoModule, "golang.org/x/net", "v0.59.0", "0.60.0"), img, "go get golang.org/x/net@v0.60.0 && go mod tidy"},
		"the smallest above":     {pkg(scan.GoModule, "golang.org/x/net", "v0.59.0", "0.62.0", "0.10.0", "0.60.0"), img, "go get golang.org/x/net@v0.60.0 && go mod tidy"},
		"a pseudo-version":       {pkg(scan.GoModule, "golang.org/x/exp", "v0.0.0-20240101000000-abcdefabcdef", "0.0.0-20250101000000-abcdefabcdef"), img, "go get golang.org/x/exp@v0.0.0-20250101000000-abcdefabcdef && go mod tidy"},
		"its own major version":  {pkg(scan.GoModule, "github.com/golang-jwt/jwt/v4", "v4.5.0", "5.2.2", "4.5.1"), img, "go get github.com/golang-jwt/jwt/v4@v4.5.1 && go mod tidy"},
		"another major version":  {pkg(scan.GoModule, "github.com/golang-jwt/jwt/v4", "v4.5.0", "5.2.2"), img, "github.com/golang-jwt/jwt/v4 has no fixed version: move to v5.2.2 of the module, which has another path"},
		"incompatible":           {pkg(scan.GoModule, "github.com/docker/docker", "v26.0.0+incompatible", "26.1.5", "25.0.6"), img, "go get github.com/docker/docker@v26.1.5+incompatible && go mod tidy"},
		"gopkg.in":               {pkg(scan.GoModule, "gopkg.in/yaml.v3", "v3.0.0", "3.0.1"), img, "go get gopkg.in/yaml.v3@v3.0.1 && go mod tidy"},
		"a module without one":   {pkg(scan.GoModule, "golang.org/x/crypto", "v0.1.0"), img, "no fixed version of golang.org/x/crypto is known: see whether the program needs it"},
		"no module path":         {pkg(scan.GoModule, "x; rm -rf $HOME", "v0.1.0", "0.2.0"), img, `look for the module "x; rm -rf $HOME" by hand: that is no path of one`},
		"a package":              {pkg("deb", "tar", "1.34", "1.35"), img, "take a newer digest of " + base + ", with tar 1.35"},
		"a package without one":  {pkg("deb", "tar", "1.34"), img, "no fixed version of tar is known: try a newer digest of " + base + ", or one without that package"},
		"end of life":            {finding.Finding{Gate: finding.GateVulnerabilities, ID: scan.EndOfLife}, img, "build on an image of a newer distribution than " + base},
		"a secret":               {finding.Finding{Gate: finding.GateLeaks, ID: "secret/x"}, img, "take it out of the image and revoke it: whoever has a copy of the image has the secret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, scan.Fix(tc.finding, tc.image))
		})
	}
}
