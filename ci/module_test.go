package main_test

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/modfile"
)

// What writes the image's bytes is of one version in the command and in the Dagger
// module, and so are the SDK and the engine that it is for.
func TestModule_HasTheVersionsOfTheCommand(t *testing.T) {
	t.Parallel()
	ours, theirs := versions(t, "../go.mod"), versions(t, "module/go.mod")
	for _, path := range []string{"dagger.io/dagger", "github.com/google/go-containerregistry", "github.com/klauspost/compress", "github.com/klauspost/pgzip", "github.com/moby/buildkit"} {
		require.NotEmpty(t, ours[path], path)
		require.Equal(t, ours[path], theirs[path], path)
	}
	require.Equal(t, ours["go"], theirs["go"])
	require.Equal(t, ours["dagger.io/dagger"], daggerJSON(t).EngineVersion)
}

// The engine gets the packages that the module needs and no other: a change elsewhere
// need not load it again.
func TestModule_IncludesWhatItImports(t *testing.T) {
	t.Parallel()
	needed := map[string]bool{}
	var visit func(room string)
	visit = func(room string) {
		if needed[room] {
			return
		}
		needed[room] = true
		for _, next := range allowed[room] {
			visit(next)
		}
	}
	files, err := filepath.Glob("module/*.go")
	require.NoError(t, err)
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, i := range file.Imports {
			path, err := strconv.Unquote(i.Path.Value)
			require.NoError(t, err)
			if room, ok := strings.CutPrefix(path, module); ok && !strings.HasPrefix(room, "ci/module") {
				visit(room)
			}
		}
	}
	// The engine for Dagger compiles what ci/trial/runner embeds.
	needed["ci/trial/runner/command"] = true
	included := func(room string) bool {
		within := func(pattern string) bool { return room == pattern || strings.HasPrefix(room, pattern+"/") }
		in := false
		for _, pattern := range daggerJSON(t).Include {
			if left, out := strings.CutPrefix(pattern, "!"); out {
				in = in && !within(left)
			} else {
				in = in || within(pattern)
			}
		}
		return in
	}
	for room := range allowed {
		require.Equal(t, needed[room], included(room), "%s in the include of dagger.json", room)
	}
}

func versions(t *testing.T, name string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	file, err := modfile.Parse(name, text, nil)
	require.NoError(t, err)
	found := map[string]string{"go": file.Go.Version}
	for _, r := range file.Require {
		found[r.Mod.Path] = r.Mod.Version
	}
	return found
}

type daggerConfig struct {
	EngineVersion string
	Include       []string
}

func daggerJSON(t *testing.T) daggerConfig {
	t.Helper()
	text, err := os.ReadFile("../dagger.json")
	require.NoError(t, err)
	var c daggerConfig
	require.NoError(t, json.Unmarshal(text, &c))
	return c
}
