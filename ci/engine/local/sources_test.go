package local_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/local"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
)

// fleet is several programs in one module, with most that decides which files of a package
// count. Not all of it builds for every target.
var fleet = map[string]string{
	"go.mod":                   "module example.com/fleet\n\ngo 1.25.0\n",
	"cmd/one/main.go":          "package main\n\nimport \"example.com/fleet/shared\"\n\nvar version string\n\nfunc main() { println(version, shared.Name) }\n",
	"cmd/one/main_test.go":     "package main\n\nimport _ \"example.com/fleet/tested\"\n",
	"cmd/one/default.pgo":      "",
	"cmd/two/main.go":          "package main\n\nimport (\n\t_ \"net/http\"\n\n\t_ \"example.com/fleet/asm\"\n\t_ \"example.com/fleet/shared\"\n)\n\nfunc main() {}\n",
	"cmd/two/two_arm64.go":     "package main\n\nimport _ \"example.com/fleet/cgo\"\n",
	"cmd/three/main.go":        "package main\n\nimport (\n\t_ \"embed\"\n\n\t_ \"example.com/fleet/deep/er\"\n)\n\n//go:embed data\nvar data string\n\nfunc main() { println(data) }\n",
	"cmd/three/data":           "three\n",
	"cmd/three/extra.go":       "//go:build extra\n\npackage main\n\nimport _ \"example.com/fleet/asm\"\n",
	"cmd/bare/main.go":         "package main\n\nfunc main() {}\n",
	"main.go":                  "package main\n\nimport _ \"example.com/fleet/cgo\"\n\nfunc main() {}\n",
	"shared/shared.go":         "package shared\n\nimport _ \"example.com/fleet/deep\"\n\nvar Name string\n",
	"shared/shared_extra.go":   "//go:build extra\n\npackage shared\n\nimport _ \"example.com/fleet/deep/er\"\n",
	"shared/shared_test.go":    "package shared_test\n\nimport _ \"example.com/fleet/tested\"\n",
	"deep/deep.go":             "package deep\n",
	"deep/er/deeper.go":        "package er\n\nimport _ \"example.com/fleet/deep\"\n",
	"asm/asm.go":               "package asm\n",
	"asm/asm_amd64.s":          "\n",
	"asm/asm.h":                "\n",
	"asm/asm_linux_arm64.syso": "",
	"cgo/cgo.go":               "package cgo\n\nimport \"C\"\n",
	"cgo/pure.go":              "package cgo\n\nimport _ \"example.com/fleet/shared\"\n",
	"tested/tested.go":         "package tested\n",
	"unused/unused.go":         "package unused\n",
}

// fleetTargets are all programs on two platforms, with and without a tag, an image of two
// programs, and settings of the linker that some programs have no variable for.
func fleetTargets(dirs ...string) []engine.Target {
	var all []engine.Target
	for _, platform := range []plan.Platform{amd64, {OS: "linux", Arch: "arm64"}} {
		for _, tags := range [][]string{nil, {"extra"}} {
			for _, mains := range append(each(dirs), []string{dirs[0], dirs[len(dirs)-1]}) {
				one := target(platform, mains...)
				one.Build.Tags, one.Build.Vars = tags, []plan.Var{
					{Name: "example.com/fleet/shared.Name", Value: "x"}, {Name: "main.version", Value: "1"},
					{Name: "runtime.buildVersion", Value: "1"}, {Name: "time.none", Value: "1"},
				}
				all = append(all, one)
			}
		}
	}
	return all
}

func each(dirs []string) [][]string {
	var lists [][]string
	for _, dir := range dirs {
		lists = append(lists, []string{dir})
	}
	return lists
}

// requireTogether wants what is asked for all at once to be what is asked for each.
func requireTogether(t *testing.T, e *local.Engine, targets []engine.Target) {
	t.Helper()
	together, err := e.Sources(t.Context(), targets...)
	require.NoError(t, err)
	require.Len(t, together, len(targets))
	kinds := map[string]bool{}
	for i, one := range targets {
		alone, err := sources(t, e, one)
		require.NoError(t, err)
		require.Equal(t, alone, together[i], "%+v", one)
		kinds[one.Platform.String()+" "+filepath.ToSlash(alone.Files[len(alone.Files)-1])] = true
	}
	require.Greater(t, len(kinds), 1, "the targets differ")
}

func TestSources_OfManyAreThoseOfEach(t *testing.T) {
	t.Parallel()
	programs := []string{"./cmd/one", "./cmd/two", "./cmd/three", "./cmd/bare", "."}
	t.Run("in one module", func(t *testing.T) {
		t.Parallel()
		root := folder(t)
		e := prepared(t, fleet, engine.Source{Root: root, ModuleFolders: []string{root}})
		targets := fleetTargets(programs...)
		requireTogether(t, e, targets)
		set, err := sources(t, e, targets[0])
		require.NoError(t, err)
		require.Equal(t, []string{"cmd/one/default.pgo", "cmd/one/main.go", "deep/deep.go", "go.mod", "shared/shared.go"}, set.Files)
		require.Equal(t, []string{"time.none"}, set.Unset)
	})
	t.Run("in a workspace", func(t *testing.T) {
		t.Parallel()
		top := folder(t)
		root, lib := filepath.Join(top, "fleet"), filepath.Join(top, "lib")
		files := maps.Clone(fleet)
		files["../go.work"] = "go 1.25.0\n\nuse (\n\t./fleet\n\t./lib\n)\n"
		files["../lib/go.mod"] = "module example.com/lib\n\ngo 1.25.0\n"
		files["../lib/lib.go"] = "package lib\n"
		files["cmd/bare/lib.go"] = "package main\n\nimport _ \"example.com/lib\"\n"
		files["../lib/cmd/four/main.go"] = "package main\n\nfunc main() {}\n"
		e := prepared(t, files, engine.Source{Root: root, TreeRoot: top, Workspace: filepath.Join(top, "go.work"), ModuleFolders: []string{root, lib}})
		requireTogether(t, e, fleetTargets(append(programs, "../lib/cmd/four")...))
	})
	t.Run("with a vendor folder", func(t *testing.T) {
		t.Parallel()
		root := folder(t)
		files := maps.Clone(fleet)
		files["go.mod"] += "\nrequire example.com/far v1.0.0\n"
		files["vendor/modules.txt"] = "# example.com/far v1.0.0\n## explicit; go 1.25.0\nexample.com/far\nexample.com/far/er\n"
		files["vendor/example.com/far/far.go"] = "package far\n\nimport _ \"example.com/far/er\"\n"
		files["vendor/example.com/far/er/er.go"] = "package er\n"
		files["cmd/bare/far.go"] = "package main\n\nimport _ \"example.com/far\"\n"
		e := prepared(t, files, engine.Source{Root: root, ModuleFolders: []string{root}, Vendor: true})
		requireTogether(t, e, fleetTargets(programs...))
	})
}

// Of many programs one is at fault: the error is the one that it has by itself.
func TestSources_OfManyNameTheOneAtFault(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]string{
		"an import that is nowhere": "package main\n\nimport _ \"example.com/fleet/nowhere\"\n",
		"a file that is no Go":      "package main\n\nimport \"\n",
		"two packages":              "package other\n",
		"an embed of nothing":       "package main\n\nimport _ \"embed\"\n\n//go:embed nothing\nvar nothing string\n",
		"what the platform lacks":   "package main\n\nimport _ \"example.com/fleet/windows\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := folder(t)
			files := maps.Clone(fleet)
			files["cmd/three/fault.go"], files["windows/some_windows.go"] = at, "package windows\n"
			e := prepared(t, files, engine.Source{Root: root, ModuleFolders: []string{root}})
			var targets []engine.Target
			for _, dir := range []string{"./cmd/one", "./cmd/two", "./cmd/three", "./cmd/bare"} {
				targets = append(targets, target(amd64, dir))
			}
			_, alone := sources(t, e, targets[2])
			_, together := e.Sources(t.Context(), targets...)
			require.Equal(t, fault.Source, fault.KindOf(together))
			require.Equal(t, fault.Tell(alone), fault.Tell(together))
			require.Contains(t, fmt.Sprint(fault.Tell(together)), "cmd/three")
			without := slices.Delete(slices.Clone(targets), 2, 3)
			requireTogether(t, e, without)
		})
	}
}
