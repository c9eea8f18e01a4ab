package scaffold_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/scaffold"
)

var update = flag.Bool("update", false, "write the golden files again")

var action = scaffold.Action{Repository: scaffold.Repository, Commit: strings.Repeat("0123456789", 4), Version: "v1.2.3"}

// tide is a repository with one program and nothing else.
func tide() scaffold.Facts {
	return scaffold.Facts{Folder: ".", Module: "example.com/tide", Modules: []string{"."}, Target: "ghcr.io/team/tide", Branch: "main", Action: action}
}

func with(change func(f *scaffold.Facts)) scaffold.Facts {
	f := tide()
	change(&f)
	return f
}

func monorepo(f *scaffold.Facts) {
	f.Folder, f.Module, f.Modules, f.Workspace = "services/tide+1", "example.com/tide", []string{"services/tide+1", "lib"}, "."
	f.Target, f.Branch = "ghcr.io/team/mono/services-tide-1", "release+1"
}

// The golden files are what init writes for a kind of repository. ci/workflows_test.go
// holds their workflows against the rules and lets actionlint judge them.
func TestFiles_AreTheGoldenOnes(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]scaffold.Facts{
		"one": tide(),
		"several": with(func(f *scaffold.Facts) {
			f.Main, f.Port, f.Pins = []string{"./cmd/a", "./cmd/b"}, []string{"8080", "53/udp"}, true
		}),
		"monorepo": with(monorepo),
		"dagger":   with(func(f *scaffold.Facts) { f.Dagger, f.Module = "v0.21.8", "example.com/team/Tide_Table/v2" }),
		"copy":     with(func(f *scaffold.Facts) { f.Copy, f.Action, f.Main = true, scaffold.Action{}, []string{"./cmd/tide"} }),
		"copy_in_monorepo": with(func(f *scaffold.Facts) {
			monorepo(f)
			f.Copy, f.Action = true, scaffold.Action{}
			f.Folder, f.Modules = "services/tide [1]", []string{"services/tide [1]"}
		}),
		"other_registry": with(func(f *scaffold.Facts) { f.Target, f.Action.Version = "registry.example.com:5000/team/tide", "" }),
		"other_registry_copy": with(func(f *scaffold.Facts) {
			f.Target, f.Copy, f.Action = "registry.example.com:5000/team/tide", true, scaffold.Action{}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files, err := scaffold.Files(f)
			require.NoError(t, err)
			var a txtar.Archive
			for _, file := range files {
				require.Equal(t, scaffold.Absent, file.State, file.Path)
				require.True(t, file.Outdated())
				require.Contains(t, scaffold.Paths(f.Folder), file.Path)
				a.Files = append(a.Files, txtar.File{Name: file.Path, Data: []byte(file.Text)})
			}
			golden := filepath.Join("testdata", name+".txtar")
			if *update {
				require.NoError(t, os.WriteFile(golden, txtar.Format(&a), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err, "go test ./ci/scaffold -update writes it")
			require.Equal(t, string(want), string(txtar.Format(&a)))
		})
	}
}

func TestFiles_AreCurrentOnceWritten(t *testing.T) {
	t.Parallel()
	f := with(func(f *scaffold.Facts) { f.Main, f.Pins = []string{"./cmd/a"}, true })
	f.Existing = written(t, f)
	for _, file := range files(t, f) {
		require.Equal(t, scaffold.Current, file.State, file.Path)
		require.False(t, file.Outdated())
	}
	// As a checkout on Windows has them.
	for name, text := range f.Existing {
		f.Existing[name] = strings.ReplaceAll(text, "\n", "\r\n")
	}
	for _, file := range files(t, f) {
		require.Equal(t, scaffold.Current, file.State, file.Path)
	}
}

// A dagger.json is written anew as long as it has nothing but Slipway's module.
func TestFiles_LeaveModulesOfOthersAlone(t *testing.T) {
	t.Parallel()
	const file = "dagger.json"
	f := with(func(f *scaffold.Facts) { f.Dagger = "v0.21.8" })
	ours := written(t, f)[file]
	for name, c := range map[string]struct {
		there   string
		state   scaffold.State
		missing []string
	}{
		"ours":                  {ours, scaffold.Current, nil},
		"ours, of another time": {strings.ReplaceAll(ours, "v0.21.8", "v0.21.0"), scaffold.Differs, nil},
		"somebody's":            {`{"name": "tide", "sdk": {"source": "go"}}`, scaffold.Kept, []string{"what dagger install github.com/example/slipway@v1.2.3 adds"}},
		"somebody's, with ours": {`{"name": "tide", "dependencies": [{"name": "slipway", "pin": "` + action.Commit + `"}]}`, scaffold.Kept, nil},
		"not JSON":              {"tide", scaffold.Kept, []string{"what dagger install github.com/example/slipway@v1.2.3 adds"}},
	} {
		f.Existing = map[string]string{file: c.there}
		all := files(t, f)
		got := all[len(all)-1]
		require.Equal(t, file, got.Path)
		require.Equal(t, c.state, got.State, name)
		require.Equal(t, c.missing, got.Missing, name)
	}
	f.Copy = true
	for _, got := range files(t, f) {
		require.NotEqual(t, file, got.Path, "a copy has the module in itself")
	}
}

// A module's tags begin with its folder, without the major version that its path repeats.
func TestFiles_PublishTheTagsOfTheModule(t *testing.T) {
	t.Parallel()
	for folder, c := range map[string]struct{ module, want string }{
		".": {"example.com/tide/v2", "\"v*\""}, "v2": {"example.com/tide/v2", "\"v*\""}, "a/v2": {"example.com/tide/v2", "\"a/v*\""},
		"a/v3": {"example.com/tide", "\"a/v3/v*\""}, "a b": {"example.com/tide", ""}, ".a": {"example.com/tide", ""},
	} {
		f := with(func(f *scaffold.Facts) { f.Folder, f.Module, f.Modules = folder, c.module, []string{folder} })
		for _, file := range files(t, f) {
			if !strings.Contains(file.Path, "workflows/") {
				continue
			}
			_, after, found := strings.Cut(file.Text, "    tags:\n      - ")
			line, _, _ := strings.Cut(after, "\n")
			require.Equal(t, c.want != "", found, folder)
			require.Equal(t, c.want, line, folder)
		}
	}
}

func TestFiles_LeaveWhatPeopleWrote(t *testing.T) {
	t.Parallel()
	const own = "# ours\n"
	for name, c := range map[string]struct {
		path, there string
		change      func(f *scaffold.Facts)
		state       scaffold.State
		missing     []string
	}{
		"a workflow":           {path: ".github/workflows/slipway.yml", there: own, state: scaffold.Differs},
		"an ignore file":       {path: ".dockerignore", there: own, state: scaffold.Kept},
		"a configuration":      {path: ".slipway.yaml", there: own, state: scaffold.Kept},
		"one without programs": {path: ".slipway.yaml", there: own, change: func(f *scaffold.Facts) { f.Main = []string{"./cmd/a"} }, state: scaffold.Kept, missing: []string{"main: ./cmd/a"}},
		"one without the trial's arguments": {path: ".slipway.yaml", there: own, change: func(f *scaffold.Facts) {
			f.Settings = []scaffold.Setting{{Key: "smoke-args", Values: []string{"-text=hello"}}, {Key: "budget", Values: []string{"20MB"}, Configured: true}}
		}, state: scaffold.Kept, missing: []string{`smoke-args: "-text=hello"`}},
		"one with programs": {path: ".slipway.yaml", there: "main: ./cmd/b\n", change: func(f *scaffold.Facts) {
			f.Main, f.Configured = []string{"./cmd/b"}, true
		}, state: scaffold.Kept},
		"updates of nothing": {path: ".github/dependabot.yml", there: "version: 2\n", state: scaffold.Kept, missing: []string{
			`package-ecosystem: gomod with directory: "/"`, `package-ecosystem: github-actions with directory: "/"`,
		}},
		"updates of another folder": {path: ".github/dependabot.yml", there: "updates:\n  - package-ecosystem: gomod\n    directory: /lib\n  - package-ecosystem: github-actions\n    directory: /\n", state: scaffold.Kept, missing: []string{`package-ecosystem: gomod with directory: "/"`}},
		"updates of all folders":    {path: ".github/dependabot.yml", there: "updates:\n  - package-ecosystem: \"gomod\"\n    directories:\n      - \"/**\"\n  - package-ecosystem: 'github-actions'\n    directory: '/'\n", state: scaffold.Kept},
		"what git ignores":          {path: ".gitignore", there: "/tide\n/.slipway\r\n", state: scaffold.Current},
		"what git does not ignore":  {path: ".gitignore", there: "/tide", state: scaffold.Short},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := with(func(f *scaffold.Facts) { f.Existing = map[string]string{c.path: c.there} })
			if c.change != nil {
				c.change(&f)
			}
			for _, file := range files(t, f) {
				if file.Path != c.path {
					continue
				}
				require.Equal(t, c.state, file.State)
				require.Equal(t, c.missing, file.Missing)
				if c.state == scaffold.Short {
					require.Equal(t, c.there+"\n.slipway/\n", file.Text)
				}
			}
		})
	}
}

func TestFiles_RefuseWhatNoFileCanCarry(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(f *scaffold.Facts){
		"an expression": func(f *scaffold.Facts) { f.Folder = "a${{ secrets.TOKEN }}" },
		"a line end":    func(f *scaffold.Facts) { f.Branch = "main\non: pull_request_target" },
		"no UTF-8":      func(f *scaffold.Facts) { f.Main = []string{"./\xff"} },
		"an escape":     func(f *scaffold.Facts) { f.Port = []string{"\x1b[31m"} },
		"a long text":   func(f *scaffold.Facts) { f.Modules = []string{strings.Repeat("a", 2000)} },
		"no action":     func(f *scaffold.Facts) { f.Action = scaffold.Action{} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := scaffold.Files(with(change))
			require.Error(t, err)
			require.Equal(t, fault.Usage, fault.KindOf(err))
		})
	}
}

func files(t *testing.T, f scaffold.Facts) []scaffold.File {
	t.Helper()
	all, err := scaffold.Files(f)
	require.NoError(t, err)
	return all
}

func written(t *testing.T, f scaffold.Facts) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, file := range files(t, f) {
		all[file.Path] = file.Text
	}
	return all
}
