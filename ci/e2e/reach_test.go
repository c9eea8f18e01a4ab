package e2e_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/dagger"
	"example.com/slipway/ci/engine/local"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/reach"
	"example.com/slipway/ci/step"
)

// greeting has three programs on a module with a vulnerable function: the first calls it,
// the second takes its package, the third another package of the module.
var greeting = map[string]string{
	"go.mod": "module example.com/greeting\n\ngo 1.25.0\n\nrequire golang.org/x/text v0.3.7\n",
	"go.sum": "golang.org/x/text v0.3.7 h1:olpwvP2KacW1ZWvsR7uQhoyTYvKAupfQrRGBFM352Gk=\n" +
		"golang.org/x/text v0.3.7/go.mod h1:u+2+/6zg+i71rQMx5EYifcz6MCKuco9NR6JIITiCfzQ=\n",
	"cmd/called/main.go": "package main\n\nimport (\n\t\"os\"\n\n\t\"golang.org/x/text/language\"\n)\n\n" +
		"func main() { greet(os.Args) }\n\nfunc greet(args []string) {\n\ttags, _, _ := language.ParseAcceptLanguage(args[0])\n\tprintln(len(tags))\n}\n",
	"cmd/imported/main.go": "package main\n\nimport \"golang.org/x/text/language\"\n\nfunc main() { println(language.English.String()) }\n",
	"cmd/required/main.go": "package main\n\nimport \"golang.org/x/text/width\"\n\nfunc main() { println(width.Narrow.String(\"a\")) }\n",
	// Where this file counts, the same things are called by other ways.
	"cmd/imported/tagged.go": "//go:build shout\n\npackage main\n\nimport \"golang.org/x/text/language\"\n\nfunc init() { language.ParseAcceptLanguage(\"\") }\n",
}

// far is what is known of the programs of greeting.
var far = map[string]finding.Finding{
	"called": {Reach: finding.Called, Trace: []string{
		"called.main (cmd/called/main.go:9)", "called.greet (cmd/called/main.go:12)", "language.ParseAcceptLanguage (language/parse.go:158)",
	}},
	"imported": {Reach: finding.Imported},
	"required": {Reach: finding.Present},
}

// inText is what the scanner finds in each of them.
var inText = finding.Finding{ID: "CVE-2022-32149", Package: &finding.Package{Name: "golang.org/x/text", Kind: "gomod", Installed: "v0.3.7"}}

// checker is an engine that was readied for a source folder.
type checker struct {
	engine.Engine
}

func ready(t *testing.T, e engine.Engine, src engine.Source, pin string) checker {
	t.Helper()
	image, err := plan.ParsePin(pin)
	require.NoError(t, err)
	if src.TreeRoot == "" {
		src.TreeRoot = src.Root
	}
	if src.ModuleFolders == nil {
		src.ModuleFolders = []string{src.Root}
	}
	release := "go" + strings.TrimSuffix(image.Tag, "-alpine")
	_, err = e.Prepare(t.Context(), src, engine.Builder{Image: image, Release: release}, step.Silent{}.Start(""))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	return checker{e}
}

// readyLocal is the local engine with what environment has and more.
func readyLocal(t *testing.T, src engine.Source, pin string, env ...string) checker {
	t.Helper()
	return ready(t, local.New(local.Options{Env: environment(t, env...), Cache: cacheDir(t)}), src, pin)
}

// ask is what govulncheck prints of mains on a platform.
func (c checker) ask(t *testing.T, db, platform string, tags []string, mains ...string) ([]byte, error) {
	t.Helper()
	p, err := plan.ParsePlatform(platform)
	require.NoError(t, err)
	target := engine.Target{Platform: p, Build: plan.Build{Strip: "full", Tags: tags}}
	for _, dir := range mains {
		target.Mains = append(target.Mains, plan.Main{Dir: dir, Name: filepath.Base(dir)})
	}
	begun := time.Now()
	asked := engine.Reach{Target: target, Database: db}
	if sets, err := c.Sources(t.Context(), target); err == nil {
		asked.Sources = sets[0]
	}
	answer, err := c.Reach(t.Context(), asked, step.Silent{}.Start(""))
	t.Logf("%s, %s %s: %s, %d bytes", c.Name(), strings.Join(mains, " "), platform, time.Since(begun).Round(10*time.Millisecond), len(answer))
	return answer, err
}

// goes is how far the mains go, for what was found in them.
func (c checker) goes(t *testing.T, f finding.Finding, db string, mains ...string) finding.Finding {
	t.Helper()
	answer, err := c.ask(t, db, "linux/amd64", nil, mains...)
	require.NoError(t, err)
	return judged(t, answer, f, "linux/amd64")
}

func judged(t *testing.T, answer []byte, f finding.Finding, platform string) finding.Finding {
	t.Helper()
	calls, err := reach.Parse(answer)
	require.NoError(t, err)
	f.Platforms = []string{platform}
	list := []finding.Finding{f}
	reach.Annotate(list, calls, platform)
	return finding.Finding{Reach: list[0].Reach, Trace: list[0].Trace}
}

// unreached wants no answer, for the reason that words have.
func (c checker) unreached(t *testing.T, words, db string, mains ...string) {
	t.Helper()
	_, err := c.ask(t, db, "linux/amd64", nil, mains...)
	require.ErrorContains(t, err, words)
	require.Equal(t, fault.Unjudged, fault.KindOf(err), "%v", err)
}

func vulnDB(t *testing.T) string {
	t.Helper()
	return rig.MakeVulnDB(t, time.Date(2026, 10, 9, 0, 0, 0, 0, time.UTC), rig.VulnerableSymbols()...)
}

func TestReach_TellsCalledFromImportedFromRequired(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	db := vulnDB(t)
	c := readyLocal(t, engine.Source{Root: write(t, "greeting", greeting)}, builder)
	for name, want := range far {
		for _, platform := range []string{"linux/amd64", "linux/arm64"} {
			answer, err := c.ask(t, db, platform, nil, "./cmd/"+name)
			require.NoError(t, err)
			require.Equal(t, want, judged(t, answer, inText, platform), name)
			if *update && platform == "linux/amd64" {
				record(t, name, strings.ReplaceAll(string(answer), db, "/vulndb"))
			}
		}
	}
	require.Equal(t, far["called"], c.goes(t, inText, db, "./cmd/required", "./cmd/called"), "an image has all of its programs")
	answer, err := c.ask(t, db, "linux/amd64", []string{"other", "shout"}, "./cmd/imported")
	require.NoError(t, err)
	require.Equal(t, finding.Called, judged(t, answer, inText, "linux/amd64").Reach, "build tags count")
	unknown := inText
	unknown.ID = "CVE-2021-38561"
	require.Empty(t, c.goes(t, unknown, db, "./cmd/called"), "nobody knows of what is not in the database")
}

// record keeps an answer for the tests of ci/reach.
func record(t *testing.T, name, answer string) {
	t.Helper()
	file := filepath.Join(repository(t), "ci", "reach", "testdata", name+".json")
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, []byte(answer), 0o644))
}

// The standard library is that of the pinned release.
func TestReach_KnowsTheStandardLibraryOfThePin(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	const serves = "package main\n\nimport \"net/http\"\n\nfunc main() {\n\thttp.HandleFunc(\"/\", serve)\n\tpanic(http.ListenAndServe(\":8080\", nil))\n}\n\nfunc serve(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, \"/etc/hosts\") }\n"
	src := engine.Source{Root: write(t, "pier", map[string]string{
		"go.mod": "module example.com/pier\n\ngo 1.25.0\n", "main.go": serves,
		"cmd/quiet/main.go": "package main\n\nimport \"net/http\"\n\nfunc main() { println(http.StatusText(200)) }\n",
	})}
	db := vulnDB(t)
	inHTTP := finding.Finding{ID: "GO-2026-6609", Package: &finding.Package{Name: "stdlib", Kind: "stdlib", Installed: "v1.26.8"}}
	c := readyLocal(t, src, earlier)
	got := c.goes(t, inHTTP, db, ".")
	require.Equal(t, finding.Called, got.Reach)
	require.Regexp(t, `^pier\.`, got.Trace[0])
	require.Regexp(t, `^http\.\S+ \(src/net/http/fs\.go:\d+\)$`, got.Trace[len(got.Trace)-1])
	require.Equal(t, finding.Finding{Reach: finding.Imported}, c.goes(t, inHTTP, db, "./cmd/quiet"))
	require.Empty(t, readyLocal(t, src, builder).goes(t, inHTTP, db, "."), "Go 1.26.9 does not have it")
}

func TestReach_ReadsWorkspacesAndVendorFolders(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	db := vulnDB(t)
	t.Run("a workspace", func(t *testing.T) {
		t.Parallel()
		files := map[string]string{"go.work": "go 1.25.0\n\nuse ./greeting\n"}
		for name, text := range greeting {
			files["greeting/"+name] = text
		}
		root := write(t, "fleet", files)
		c := readyLocal(t, engine.Source{Root: root, Workspace: filepath.Join(root, "go.work"), ModuleFolders: []string{filepath.Join(root, "greeting")}}, builder)
		require.Equal(t, far["called"], c.goes(t, inText, db, "./greeting/cmd/required", "./greeting/cmd/called"))
	})
	t.Run("a vendor folder", func(t *testing.T) {
		t.Parallel()
		root := write(t, "greeting", greeting)
		rig.Must(t, root, rig.Environ(), "go", "mod", "vendor")
		c := readyLocal(t, engine.Source{Root: root, Vendor: true}, builder, "GOPROXY=off")
		require.Equal(t, far["called"], c.goes(t, inText, db, "./cmd/called"))
	})
}

// A database that cannot be read is named, with the reason.
func TestReach_SaysWhatIsWrongWithADatabase(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	c := readyLocal(t, engine.Source{Root: write(t, "greeting", greeting)}, builder)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	empty := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(empty.Close)
	half := vulnDB(t)
	require.NoError(t, os.Remove(filepath.Join(half, "ID", "GO-2022-1059.json")))
	broken := vulnDB(t)
	require.NoError(t, os.WriteFile(filepath.Join(broken, "ID", "GO-2022-1059.json"), []byte("{"), 0o600))
	blank := vulnDB(t)
	require.NoError(t, os.WriteFile(filepath.Join(blank, "index", "modules.json"), nil, 0o600))
	untrusted, _ := rig.ServeVulnDBOverTLS(t, vulnDB(t))
	for db, words := range map[string]string{
		half:      "vulnerable functions " + half + " cannot be read: open ID/GO-2022-1059.json: no such file",
		broken:    "vulnerable functions " + broken + " cannot be read: unexpected end of JSON input",
		blank:     "vulnerable functions " + blank + " cannot be read: EOF",
		gone.URL:  "vulnerable functions " + gone.URL + " does not answer",
		empty.URL: "vulnerable functions " + empty.URL + " does not answer, or has no index/modules.json.gz",
		untrusted: "vulnerable functions " + untrusted + " does not answer",
	} {
		c.unreached(t, words, db, "./cmd/called")
	}
	t.Run("and with a source", func(t *testing.T) {
		wrong := maps.Clone(greeting)
		wrong["cmd/called/main.go"] = "package main\n\nfunc main() { undefined() }\n"
		c := readyLocal(t, engine.Source{Root: write(t, "greeting", wrong)}, builder)
		_, err := c.ask(t, half, "linux/amd64", nil, "./cmd/called")
		require.Equal(t, fault.Unjudged, fault.KindOf(err))
		require.ErrorContains(t, err, "govulncheck does not understand the source")
		var told *fault.Error
		require.ErrorAs(t, err, &told)
		require.Contains(t, strings.Join(told.Detail, "\n"), "cmd/called/main.go:3:15: undefined: undefined")
		require.NotContains(t, strings.Join(told.Detail, "\n"), os.TempDir())
	})
}

// Nothing of the source or beside it is run, and an address that a machine trusts serves
// as a folder does.
func TestReach_RunsNothingOfTheSource(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	marker, bin := filepath.Join(t.TempDir(), "marker"), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(bin, "gopackagesdriver"), []byte("#!/bin/sh\ntouch "+marker+"\n"), 0o755))
	hostile := maps.Clone(greeting)
	hostile["cmd/called/cgo.go"] = "package main\n\n// #cgo CFLAGS: -fplugin=evil\nimport \"C\"\n\n//go:generate touch " + marker + "\n"
	hostile["go.env"] = "GOFLAGS=-toolexec=touch\n"
	address, trust := rig.ServeVulnDBOverTLS(t, vulnDB(t))
	env := []string{trust, "PATH=" + bin + string(filepath.ListSeparator) + os.Getenv("PATH"), "GOENV=" + filepath.Join(bin, "none")}
	c := readyLocal(t, engine.Source{Root: write(t, "greeting", hostile)}, builder, env...)
	require.Equal(t, far["called"], c.goes(t, inText, address, "./cmd/called"))
	require.NoFileExists(t, marker)
}

// The way through the sample leads over methods, closures and several packages.
func TestReach_FindsTheWayThroughTheSample(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	src := filepath.Join(t.TempDir(), "slipway")
	checkout(t, src)
	answer, err := readyLocal(t, engine.Source{Root: src}, earlier).ask(t, vulnDB(t), "linux/amd64", nil, "./cmd/server")
	require.NoError(t, err)
	inHTTP := func(id string) finding.Finding {
		return judged(t, answer, finding.Finding{ID: id, Package: &finding.Package{Name: "stdlib", Kind: "stdlib"}}, "linux/amd64")
	}
	require.Equal(t, finding.Finding{Reach: finding.Imported}, inHTTP("CVE-2026-78667"), "it serves no files")
	got := inHTTP("CVE-2026-56866")
	require.Equal(t, finding.Called, got.Reach)
	require.Regexp(t, `^server\.main \(cmd/server/main\.go:\d+\)\n(.*\n)*server\.Server\.\w+ \(internal/server/server\.go:\d+\)\n(.*\n)*http\.Server\.Serve \(src/net/http/server\.go:\d+\)$`,
		strings.Join(got.Trace, "\n"))
}

// Both engines give one answer, whatever machine the Dagger engine runs on.
func requireReach(t *testing.T, l *lab) {
	src := engine.Source{Root: write(t, "greeting", greeting)}
	e := dagger.New(dagger.Options{Env: l.engine.Env, Cache: t.TempDir(), Where: dagger.Where{Host: l.engine.Address}})
	theirs := ready(t, e, src, l.images.Builder)
	db := vulnDB(t)
	for _, name := range slices.Sorted(maps.Keys(far)) {
		require.Equal(t, far[name], theirs.goes(t, inText, db, "./cmd/"+name), name)
	}
	require.Equal(t, far["called"], theirs.goes(t, inText, db, "./cmd/required", "./cmd/called"))

	t.Run("with a database at an address, as it is now", func(t *testing.T) {
		other := vulnDB(t)
		address := rig.ServeVulnDB(t, other, l.engine.Gateway)
		require.Equal(t, far["called"], theirs.goes(t, inText, address, "./cmd/called"))
		require.NoError(t, os.RemoveAll(filepath.Join(other, "index")))
		theirs.unreached(t, "vulnerable functions "+address+" does not answer, or has no index/modules.json.gz", address, "./cmd/called")
	})
	t.Run("with a database that is not whole", func(t *testing.T) {
		half := vulnDB(t)
		require.NoError(t, os.Remove(filepath.Join(half, "ID", "GO-2022-1059.json")))
		theirs.unreached(t, "vulnerable functions "+half+" cannot be read: open ID/GO-2022-1059.json: no such file", half, "./cmd/called")
	})
}
