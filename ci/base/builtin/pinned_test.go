package builtin_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files and the embedded files of the pinned modules")

// pinned is a module that embedded bytes were taken from.
type pinned struct{ Module, Sum string }

var (
	rootsModule = pinned{
		"golang.org/x/crypto/x509roots/fallback@v0.0.0-20261030153154-30a33513ff6d",
		"h1:5NBkmd8MXirajj6AAEpi4HFVJnVkBNPTL1ggYAKqaws=",
	}
	goModule = pinned{
		"golang.org/toolchain@v0.0.1-go1.26.9.linux-amd64",
		"h1:H1MNjtpLSXRMijiKWuh1cj9j9YM4NXKqM93/8h6Aics=",
	}
)

// constrained are the roots that carry a constraint that PEM cannot express, by
// SHA-256. A new one is a decision to make: see the comment on certificates.
var constrained = []string{"2530cc8e98321502bad96f9b1fba1b099e2d299e0f4548bb914f363bc0d4531f"}

// TestPinned_BytesAreTheModules proves that nothing was edited in between: the
// committed files are what the pinned modules contain.
func TestPinned_BytesAreTheModules(t *testing.T) {
	if testing.Short() {
		t.Skip("it downloads a Go release")
	}
	t.Parallel()
	for _, tc := range []struct {
		file string
		from func(t *testing.T) []byte
	}{
		{"ca-certificates.crt", func(t *testing.T) []byte { return bundle(t, download(t, rootsModule)) }},
		{"zoneinfo.zip", func(t *testing.T) []byte { return read(t, download(t, goModule), "lib/time/zoneinfo.zip") }},
	} {
		t.Run(tc.file, func(t *testing.T) {
			want := tc.from(t)
			if *update {
				require.NoError(t, os.WriteFile(tc.file, want, 0o644))
			}
			require.True(t, bytes.Equal(want, read(t, ".", tc.file)), "%s differs from the pinned module; go test -update writes it", tc.file)
		})
	}
}

// download returns the folder of a module after checking its sum.
func download(t *testing.T, m pinned) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", m.Module)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		require.NoError(t, err, "%s%s", out, exit.Stderr)
	}
	require.NoError(t, err)
	var got struct{ Dir, Sum string }
	require.NoError(t, json.Unmarshal(out, &got))
	require.Equal(t, m.Sum, got.Sum)
	return got.Dir
}

// bundle writes the unconstrained roots of the module in PEM. It reads the
// module's files, because an import would put the module into everybody's go.mod.
func bundle(t *testing.T, dir string) []byte {
	t.Helper()
	entry := regexp.MustCompile(`(?s)sha256Hash:\s*"([0-9a-f]{64})"[^}]*?distrustAfter:`)
	var marked []string
	for _, m := range entry.FindAllSubmatch(read(t, dir, "bundle/bundle.go"), -1) {
		marked = append(marked, string(m[1]))
	}
	require.Equal(t, constrained, marked)

	roots, err := x509.ParseCertificates(read(t, dir, "bundle/bundle.der"))
	require.NoError(t, err)
	var b bytes.Buffer
	for _, root := range roots {
		if slices.Contains(constrained, fingerprint(root)) {
			continue
		}
		require.NoError(t, pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}))
	}
	return b.Bytes()
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	require.NoError(t, err)
	return data
}
