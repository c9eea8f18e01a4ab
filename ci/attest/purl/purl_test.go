package purl_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest/purl"
)

func TestPURL_IsWrittenAsScannersWriteIt(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"pkg:golang/golang.org/x/net@v0.50.0":                                                  purl.Go("golang.org/x/net", "v0.50.0"),
		"pkg:golang/github.com/burntsushi/toml@v1.0.0":                                         purl.Go("github.com/BurntSushi/toml", "v1.0.0"),
		"pkg:golang/github.com/docker/cli@v29.8.2%2Bincompatible":                              purl.Go("github.com/docker/cli", "v29.8.2+incompatible"),
		"pkg:golang/example.com/tide":                                                          purl.Go("example.com/tide", ""),
		"pkg:golang/example.com/a%20%3F%23%40%1B%C3%BC@%2F%25":                                 purl.Go("example.com/a ?#@\x1bü", "/%"),
		"pkg:golang/stdlib@v1.26.9":                                                            purl.Stdlib("go1.26.9 X:nodwarf5"),
		"pkg:deb/debian/libstdc%2B%2B6@1:2~3%2Bb1?arch=amd64&distro=debian-13&upstream=gcc-14": purl.Package{Kind: "deb", Distro: "debian", Release: "13", Name: "libstdc++6", Version: "1:2~3+b1", Arch: "amd64", Source: "gcc-14"}.String(),
		"pkg:deb/debian/tar@1?distro=debian":                                                   purl.Package{Kind: "deb", Distro: "debian", Name: "tar", Version: "1"}.String(),
		"pkg:apk/tar@1?arch=x86_64":                                                            purl.Package{Kind: "apk", Name: "tar", Version: "1", Arch: "x86_64"}.String(),
		"pkg:oci/server@sha256:12":                                                             purl.Image("server", "sha256:12", ""),
		"pkg:oci/server@sha256:12?arch=arm64&repository_url=localhost:5000%2Fteam%2Fserver":    purl.Image("localhost:5000/team/server", "sha256:12", "arm64"),
	} {
		require.Equal(t, want, got)
	}
	for _, folder := range []string{"", ".", "./x", "../x", "/home/x"} {
		require.Empty(t, purl.Go(folder, ""), "a folder is no package of anybody")
	}
}
