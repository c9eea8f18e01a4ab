package gocmd

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
)

// nothing is a go command that has nothing to say.
func nothing(context.Context, []string, []string) (Output, error) { return Output{}, nil }

func TestExplain_SaysInASentenceWhatTheGoCommandMeans(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"verifying example.org/lib@v1.0.0: checksum mismatch\n\tdownloaded: h1:a\n\tgo.sum: h1:b\n\nSECURITY ERROR": "module example.org/lib@v1.0.0 does not have the checksum",
		"go: inconsistent vendoring in /src:": "vendor/modules.txt does not agree with go.mod",
		"main.go:4:2: cannot find module providing package a.org/b: import lookup disabled by -mod=vendor": "the vendor folder does not have package a.org/b",
		"go: updates to go.mod needed":                                             "go.mod or go.sum is not complete",
		"ui/ui.go:9:12: pattern dist/*: no matching files found":                   "ui/ui.go:9 embeds dist/*, and the source folder has no such files",
		"main.go:5:12: pattern secret.txt: cannot embed irregular file secret.txt": "main.go:5 embeds secret.txt, which is a link",
		"main: copying a.out: write /cache/tide: no space left on device":          "the disk became full during the build",
	} {
		g := &Go{Source: engine.Source{Root: "/src", TreeRoot: "/src"}, Tree: "/src", Modules: "/modules", Run: nothing}
		err := g.Explain(t.Context(), engine.Target{}, Output{Stderr: []byte(said), Err: errors.New("exit status 1")})
		require.ErrorContains(t, err, want)
		f, ok := errors.AsType[*fault.Error](err)
		require.True(t, ok)
		require.NotEmpty(t, f.Fix)
		require.NotEmpty(t, f.Detail)
	}
}

// What the compiler says about a link that leads out of the source folder is not
// passed on: it would be the content of somebody's file.
func TestExplain_PrintsNothingOfAForeignFile(t *testing.T) {
	t.Parallel()
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	secret := filepath.Join(t.TempDir(), "shadow")
	require.NoError(t, os.WriteFile(secret, []byte("root:secret\n"), 0o600))
	require.NoError(t, os.Symlink(secret, filepath.Join(root, "shadow.go")))
	g := &Go{Source: engine.Source{Root: root, TreeRoot: root}, Tree: root, Modules: "/modules", Run: nothing}
	err = g.Explain(t.Context(), engine.Target{}, Output{Stderr: []byte("shadow.go:1:1: expected 'package', found root\n"), Err: errors.New("exit status 1")})
	require.ErrorContains(t, err, "the source file shadow.go is a link to ")
	f, ok := errors.AsType[*fault.Error](err)
	require.True(t, ok)
	require.Empty(t, f.Detail)
	require.NotContains(t, err.Error(), "found root")
}

func TestUndefined_FindsTheNameThatAPackageLacks(t *testing.T) {
	t.Parallel()
	const text = "# example.org/pcap\npcap/pcap.go:30:22: undefined: errorNotActivated\n# example.org/api\n./api.go:3:4: undefined: auto.Assets"
	require.Equal(t, "errorNotActivated", undefined(text, "example.org/pcap", "pcap"))
	require.Equal(t, "auto.Assets", undefined(text, "example.org/auto", "auto"))
	require.Empty(t, undefined(text, "example.org/other", "other"))
	require.Empty(t, undefined(text, "example.org/api", "api"))
}

func TestRefuseIrregular_FindsWhatTheGoCommandWouldHangOn(t *testing.T) {
	t.Parallel()
	for name, refused := range map[string]bool{
		"zero.go": true, "asm.s": true, "go.sum": true, "default.pgo": true, "a/b/zero.go": true, "vendor/modules.txt": true,
		"zero": false, "zero.txt": false, "testdata/zero.go": false, ".git/zero.go": false, "_old/zero.go": false,
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.Symlink(os.DevNull, file))
		err := RefuseIrregular(t.Context(), []string{dir})
		require.Equal(t, refused, err != nil, name)
		if refused {
			require.True(t, strings.HasPrefix(err.Error(), file), "%v", err)
			require.Equal(t, fault.Usage, fault.KindOf(err))
		}
	}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.go"), nil, 0o644))
	require.NoError(t, os.Symlink("a.go", filepath.Join(dir, "b.go")))
	require.NoError(t, os.Symlink("nowhere", filepath.Join(dir, "c.go")))
	require.NoError(t, RefuseIrregular(t.Context(), []string{dir, filepath.Join(dir, "absent")}))
}
