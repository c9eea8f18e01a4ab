package e2e_test

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

// patience is how long a build of a foreign source may take here.
const patience = 8 * time.Minute

// buildSource builds a folder for one platform on the embedded base, in a folder of
// its own. A build that hangs is ended after the limit, with exit code 124.
func buildSource(t *testing.T, limit time.Duration, src string, env []string, args ...string) rig.Result {
	t.Helper()
	call := []string{"--kill-after=20", fmt.Sprint(limit.Seconds()), slipway(t), "build", "--no-record", "--src", src, "--base", "builtin", "--platform", "linux/amd64"}
	return rig.Run(t, t.TempDir(), env, "timeout", append(call, args...)...)
}

// sentence is the one sentence of a build that failed, with its fix.
func sentence(t *testing.T, r rig.Result) string {
	t.Helper()
	require.Empty(t, r.Stdout)
	var said, fix []string
	for line := range strings.Lines(r.Stderr) {
		if text, ok := strings.CutPrefix(line, "error: "); ok {
			said = append(said, strings.TrimSpace(text))
		}
		if text, ok := strings.CutPrefix(line, "fix: "); ok {
			fix = append(fix, strings.TrimSpace(text))
		}
	}
	require.Len(t, said, 1, "%s", r.Stderr)
	require.Len(t, fix, 1, "%s", r.Stderr)
	return said[0] + ": " + fix[0]
}

// oneImage reads and checks the only layout in an output folder, and returns the
// index's digest and its only image.
func oneImage(t *testing.T, out string) (digest string, img v1.Image) {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(out, "*", "index.json"))
	require.NoError(t, err)
	require.Len(t, list, 1)
	idx := readLayout(t, filepath.Dir(list[0]))
	hash, err := idx.Digest()
	require.NoError(t, err)
	m, err := idx.IndexManifest()
	require.NoError(t, err)
	require.Len(t, m.Manifests, 1)
	img, err = idx.Image(m.Manifests[0].Digest)
	require.NoError(t, err)
	return hash.String(), img
}

// programsOf are the files of an image's last layer, which is ours, by their names.
func programsOf(t *testing.T, img v1.Image) map[string][]byte {
	t.Helper()
	layers, err := img.Layers()
	require.NoError(t, err)
	r, err := layers[len(layers)-1].Uncompressed()
	require.NoError(t, err)
	defer r.Close()
	files := map[string][]byte{}
	for entries := tar.NewReader(r); ; {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		require.NoError(t, err)
		if h.Typeflag == tar.TypeReg {
			files[h.Name], err = io.ReadAll(entries)
			require.NoError(t, err)
		}
	}
}

// module writes a small service, with more files over it by their slash paths.
func module(t *testing.T, more map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"go.mod":  "module example.com/tide\n\ngo 1.25.0\n",
		"main.go": "package main\n\nvar note, commit string\n\nfunc main() { print(note, \"\\n\", commit, \"\\n\") }\n",
	}
	for name, text := range more {
		files[name] = text
	}
	for name, text := range files {
		put(t, dir, name, text)
	}
	return dir
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
}

// trap is a program that leaves a marker where it is run.
type trap struct{ program, marker string }

func newTrap(t *testing.T) trap {
	t.Helper()
	dir := t.TempDir()
	x := trap{filepath.Join(dir, "trap"), filepath.Join(dir, "marker")}
	require.NoError(t, os.WriteFile(x.program, fmt.Appendf(nil, "#!/bin/sh\necho \"$0 $*\" >>%s\ncat\n", x.marker), 0o755))
	return x
}

func (x trap) requireUntouched(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(x.marker)
	require.ErrorIs(t, err, os.ErrNotExist, "something was executed: %s", text)
}
