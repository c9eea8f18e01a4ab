package inspect_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/plan"
)

var update = flag.Bool("update", false, "write the golden files")

// judgement has everything that the text can show.
func judgement() *inspect.Judgement {
	digest := func(c string) string { return "sha256:" + strings.Repeat(c, 64) }
	weights := func(n int) []inspect.Weight {
		var all []inspect.Weight
		for i := range n {
			all = append(all, inspect.Weight{Name: "example.com/module/" + strings.Repeat("long/", i), Version: "v1.2.3", Size: int64(2_000_000 >> i)})
		}
		return all
	}
	amd64, arm64 := plan.Platform{OS: "linux", Arch: "amd64"}, plan.Platform{OS: "linux", Arch: "arm64"}
	one := inspect.Image{
		Platform: amd64, Digest: digest("a"),
		Config: inspect.Config{
			User: "nonroot", Entrypoint: []string{"/app/server", "--greeting", "hello \x1b[31mred"}, Workdir: "/home/nonroot",
			Env: []string{"PATH", "SSL_CERT_FILE"}, Ports: []string{"8080/tcp"},
			Labels: map[string]string{"a": strings.Repeat("very ", 40) + "long", "b": "two\nlines"},
		},
		Layers: []inspect.Layer{
			{Digest: digest("1"), MediaType: "application/vnd.oci.image.layer.v1.tar+gzip", Compressed: 3_210_000, Unpacked: 9_870_000, CreatedBy: "base"},
			{Digest: digest("2"), MediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip", Compressed: 842, Unpacked: 2048, CreatedBy: strings.Repeat("RUN ", 30)},
		},
		Compressed: 3_211_900, Unpacked: 9_872_048, User: inspect.User{Known: true, UID: 65532}, Files: inspect.Files{Entries: 635},
		Certificates: inspect.Certificates{Path: "/etc/ssl/certs/ca-certificates.crt", Valid: 116}, Zones: inspect.Zones{Found: true, Loaded: []string{"UTC"}},
		Programs: []inspect.Program{
			{Path: "/app/server", Size: 6_900_000, Entrypoint: true, Arch: "amd64", Static: true, Stripped: true, Go: &inspect.Go{
				Version: "go1.26.9", Package: "example.com/tide/cmd/server", Module: inspect.Module{Path: "example.com/tide", Version: "v1.0.0"},
				Settings: map[string]string{"CGO_ENABLED": "0", "-trimpath": "true", "-tags": strings.Repeat("tag,", 20), "GOAMD64": "v1"},
				Text:     4_000_000, Covered: 3_999_000, Modules: weights(3), Packages: weights(17),
			}},
			{Path: "/usr/bin/curl", Size: 300_000, Arch: "amd64"},
			{Path: "/usr/bin/large", Size: 900_000_000, Unread: "it is larger than what is looked into"},
			{Path: "/usr/bin/old", Size: 1_000_000, Arch: "amd64", Static: true, Go: &inspect.Go{Version: "go1.16"}},
		},
	}
	two := inspect.Image{Platform: arm64, ID: digest("b"), Compressed: 16_000_000, Unpacked: 30_000_000}
	r := &inspect.Report{Image: "ghcr.io/team/server:v1", Kind: inspect.Registry, Digest: digest("f"), Images: []inspect.Image{one, two}}
	return &inspect.Judgement{
		Report: r, Budget: 15_000_000, Against: "./before",
		Growth: []inspect.Growth{
			{Platform: amd64, Total: inspect.Change{Before: 3_000_000, Now: 3_211_900}, Binary: inspect.Change{Before: 7_000_000, Now: 6_900_000}},
			{Platform: arm64},
		},
		Findings: []inspect.Finding{
			{ID: "user-name", Severity: inspect.Low, Platform: amd64, What: "its user is the name \"nonroot\"", Fix: "set the number, 65532"},
			{ID: "shell", Severity: inspect.Medium, Platform: amd64, What: "it has a shell: /bin/sh", Fix: strings.Repeat("stand on a base without one ", 6)},
			{ID: "shell", Severity: inspect.Medium, Platform: arm64, What: "it has a shell: /bin/sh", Fix: "as above"},
		},
	}
}

func TestText_IsReadable(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	require.NoError(t, judgement().Text(&b))
	golden := filepath.Join("testdata", "judgement.golden")
	if *update {
		require.NoError(t, os.WriteFile(golden, b.Bytes(), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), b.String())
	for line := range strings.Lines(b.String()) {
		require.LessOrEqual(t, utf8.RuneCountInString(line), 100, line)
		require.Equal(t, strings.TrimRight(line, " \n")+"\n", line)
	}
	require.NotContains(t, b.String(), "\x1b", "an image does not command the terminal")
}

func TestText_SaysThatThereAreNoFindings(t *testing.T) {
	t.Parallel()
	s := clean(t)
	var b bytes.Buffer
	require.NoError(t, inspect.NewJudgement(s.report(t), nil, s.policy).Text(&b))
	require.True(t, strings.HasSuffix(b.String(), "\nno findings\n"))
}
