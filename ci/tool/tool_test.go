package tool_test

import (
	"go/version"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/modfile"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/pins"
	"example.com/slipway/ci/step"
	"example.com/slipway/ci/tool"
)

// A module that is not what the Tool says would build another program under its name.
func TestTools_AreWhatTheirModulesSay(t *testing.T) {
	t.Parallel()
	for _, each := range []tool.Tool{tool.Trivy(), tool.Govulncheck()} {
		mod, err := modfile.Parse("go.mod", []byte(each.Files()["go.mod"]), nil)
		require.NoError(t, err)
		require.Len(t, mod.Tool, 1)
		require.Equal(t, each.Package, mod.Tool[0].Path)
		require.Empty(t, mod.Replace, "what is replaced is not the module that its name says")
		require.LessOrEqual(t, version.Compare("go"+mod.Go.Version, tool.Release), 0)
		sums := sumsOf(t, each)
		var found bool
		for _, r := range mod.Require {
			require.True(t, sums[r.Mod.Path+" "+r.Mod.Version+"/go.mod"], "go.sum does not have the go.mod of %s", r.Mod)
			if strings.HasPrefix(each.Package, r.Mod.Path+"/") {
				require.Equal(t, each.Version, r.Mod.Version)
				require.True(t, sums[r.Mod.Path+" "+r.Mod.Version], "go.sum does not have %s", r.Mod)
				found = true
			}
		}
		require.True(t, found, "no module is required that has %s", each.Package)
	}
	require.Equal(t, "v"+tool.TrivyVersion, tool.Trivy().Version)
}

// sumsOf are the modules and versions that a tool's go.sum has.
func sumsOf(t *testing.T, each tool.Tool) map[string]bool {
	t.Helper()
	sums := map[string]bool{}
	for line := range strings.Lines(each.Files()["go.sum"]) {
		fields := strings.Fields(line)
		require.Len(t, fields, 3)
		require.Regexp(t, `^h1:`, fields[2])
		sums[fields[0]+" "+fields[1]] = true
	}
	return sums
}

func TestSigstore_IsTheVersionOfItsLibrary(t *testing.T) {
	t.Parallel()
	each := tool.Sigstore()
	files := each.Files()
	mod, err := modfile.Parse("go.mod", []byte(files["go.mod"]), nil)
	require.NoError(t, err)
	require.Empty(t, mod.Replace)
	require.LessOrEqual(t, version.Compare("go"+mod.Go.Version, tool.Release), 0)
	sums := sumsOf(t, each)
	for _, r := range mod.Require {
		require.True(t, sums[r.Mod.Path+" "+r.Mod.Version+"/go.mod"], "go.sum does not have the go.mod of %s", r.Mod)
		if r.Mod.Path == "github.com/sigstore/sigstore-go" {
			require.Equal(t, each.Version, r.Mod.Version)
		}
	}
	args := each.BuildArgs("out")
	for name, text := range files {
		if strings.HasSuffix(name, ".go") {
			require.Contains(t, args, name)
			require.True(t, strings.HasPrefix(text, "//go:build ignore\n"), "%s would be part of Slipway's module", name)
		}
	}
}

func TestTools_AreBuiltByThePinnedRelease(t *testing.T) {
	t.Parallel()
	pinned, err := pins.Read(t.TempDir())
	require.NoError(t, err)
	number, err := pinned.GoVersion()
	require.NoError(t, err)
	require.Equal(t, tool.Release, "go"+number)
}

func TestTrivy_IsTheVersionOfThePinnedImage(t *testing.T) {
	t.Parallel()
	pin, err := pins.Scanner()
	require.NoError(t, err)
	require.Equal(t, tool.TrivyVersion, pin.Tag)
	require.NoError(t, tool.RefusedImage(pin))
}

// fakeGo is a go command that notes how it was called and writes what -o names.
const fakeGo = `#!/bin/sh
echo "$@" >> "$CALLS"
env | grep -e ^GO -e ^CGO | sort >> "$CALLS"
while [ "$1" != -o ]; do shift; done
[ -n "$BROKEN" ] && { echo "cannot find module"; exit 1; }
printf program > "$2"
echo example.com/compiled
`

// bench is a cache folder and a PATH with the fake.
func bench(t *testing.T, extra ...string) (tool.Options, string) {
	t.Helper()
	dir, calls := t.TempDir(), filepath.Join(t.TempDir(), "calls")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go"), []byte(fakeGo), 0o755))
	env := append([]string{"PATH=" + dir + string(os.PathListSeparator) + os.Getenv("PATH"), "CALLS=" + calls}, extra...)
	return tool.Options{Env: env, Cache: t.TempDir()}, calls
}

func TestInstall_BuildsOnceWithSettingsOfItsOwn(t *testing.T) {
	t.Parallel()
	o, calls := bench(t, "GOFLAGS=-toolexec=evil", "GOTOOLCHAIN=go1.9", "GOOS=plan9", "CGO_ENABLED=1", "GOPROXY=https://proxy.example.com")
	each := tool.Trivy()
	_, ok := each.Installed(o)
	require.False(t, ok)
	s := &recorder{}
	program, err := each.Install(t.Context(), o, s)
	require.NoError(t, err)
	require.Contains(t, s.lines, "example.com/compiled")
	require.Equal(t, "trivy", filepath.Base(program))
	require.Regexp(t, `^trivy-v0\.74\.0-[0-9a-f]{8}$`, filepath.Base(filepath.Dir(program)))
	said, err := os.ReadFile(calls)
	require.NoError(t, err)
	for _, want := range []string{"GOFLAGS=-mod=readonly\n", "GOTOOLCHAIN=" + tool.Release + "\n", "CGO_ENABLED=0\n", "GOEXPERIMENT=jsonv2\n", "GOPROXY=https://proxy.example.com\n", "-trimpath"} {
		require.Contains(t, string(said), want)
	}
	require.NotContains(t, string(said), "plan9")
	again, err := each.Install(t.Context(), o, s)
	require.NoError(t, err)
	require.Equal(t, program, again)
	same, err := os.ReadFile(calls)
	require.NoError(t, err)
	require.Equal(t, string(said), string(same), "the go command was called again")
	left, err := filepath.Glob(filepath.Join(o.Cache, "tools", ".new-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestInstall_LeavesNothingWhereItFails(t *testing.T) {
	t.Parallel()
	o, _ := bench(t, "BROKEN=1")
	_, err := tool.Govulncheck().Install(t.Context(), o, &recorder{})
	require.Equal(t, fault.Unjudged, fault.KindOf(err))
	require.ErrorContains(t, err, "building govulncheck v1.9.0")
	_, ok := tool.Govulncheck().Installed(o)
	require.False(t, ok)
	o.Env = []string{"PATH=" + t.TempDir()}
	_, err = tool.Govulncheck().Install(t.Context(), o, &recorder{})
	require.Equal(t, fault.Unjudged, fault.KindOf(err))
	require.ErrorContains(t, err, "no go command on PATH")
}

func TestInstall_BuildsARealTool(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: left out by -short")
	}
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	o := tool.Options{Env: os.Environ(), Cache: filepath.Join(cache, "slipway-e2e")}
	program, err := tool.Govulncheck().Install(t.Context(), o, step.Silent{}.Start(""))
	require.NoError(t, err)
	require.FileExists(t, program)
}

// recorder is a step.Step that keeps lines.
type recorder struct {
	step.Step
	lines []string
}

func (r *recorder) Log(line string) { r.lines = append(r.lines, line) }
