package e2e_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/cli"
	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/dagger"
	"example.com/slipway/ci/engine/local"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/step"
)

// spy is a test that goes where tests must not come. Each part of it fails where it gets
// through. HOME, CACHE and SECRET stand for the real places.
const spy = `package spy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSecretFile(t *testing.T) {
	for _, name := range []string{"HOME/.netrc", "HOME/open.txt", "../.git/config"} {
		if text, err := os.ReadFile(name); err == nil {
			t.Errorf("%s says %s", name, text)
		}
	}
}

func TestEnvironment(t *testing.T) {
	for _, kv := range os.Environ() {
		if name, value, _ := strings.Cut(kv, "="); strings.Contains(value, "SEC"+"RET") || strings.HasPrefix(name, "GITHUB_") {
			t.Error(kv)
		}
	}
}

func TestProcesses(t *testing.T) {
	all, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, name := range all {
		if text, _ := os.ReadFile(name); strings.Contains(string(text), "SEC"+"RET") {
			t.Error(name)
		}
	}
}

func TestWrite(t *testing.T) {
	for _, name := range []string{"CACHE/go-build/new.txt", "HOME/new.txt"} {
		if f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600); err == nil {
			f.Close()
			t.Error(name)
		}
	}
}

func TestBeside(t *testing.T) {
	if _, err := os.Stat("../.git"); err == nil {
		t.Log("git is there")
	}
	for _, name := range []string{"new.txt", "../go.mod"} {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
		if err != nil {
			t.Error(err)
			continue
		}
		f.WriteString("\n")
		f.Close()
	}
}

func TestUser(t *testing.T) {
	if os.Getuid() != 65532 || os.Getgid() != 65532 {
		t.Error(os.Getuid(), os.Getgid())
	}
	groups, err := os.Getgroups()
	status, _ := os.ReadFile("/proc/self/status")
	if !strings.Contains(string(status), "CapEff:\t0000000000000000\n") || err != nil || len(groups) > 1 {
		t.Errorf("%v %s", groups, status)
	}
}

func TestOwnFolders(t *testing.T) {
	for _, dir := range []string{t.TempDir(), os.Getenv("HOME")} {
		if err := os.WriteFile(filepath.Join(dir, "new.txt"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Log("all of them")
}
`

// spying is a service with a spy, in a home with secrets, and the environment of a user
// who has that home.
func spying(t *testing.T, cache string) (src string, env []string) {
	t.Helper()
	src = fixture(t)
	home := filepath.Join(t.TempDir(), "home")
	require.NoError(t, os.Mkdir(home, 0o755))
	for name, mode := range map[string]os.FileMode{".netrc": 0o600, "open.txt": 0o644} {
		require.NoError(t, os.WriteFile(filepath.Join(home, name), []byte("machine example.com login a password SECRET\n"), mode))
	}
	text := strings.NewReplacer("HOME/", home+"/", "CACHE", cache).Replace(spy)
	require.NoError(t, os.Mkdir(filepath.Join(src, "spy"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(src, "spy", "spy_test.go"), []byte(text), 0o644))
	modules := rig.Must(t, "", rig.Environ(), "go", "env", "GOMODCACHE")
	return src, []string{
		"HOME=" + home, "GOMODCACHE=" + modules, "NETRC=" + home + "/.netrc", "GITHUB_TOKEN=SECRET", "GITHUB_ENV=" + home, "AWS_SECRET_ACCESS_KEY=SECRET",
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN=SECRET", "SSH_AUTH_SOCK=/SECRET", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=x.y", "GIT_CONFIG_VALUE_0=SECRET",
		"ALL_PROXY=http://a:SECRET@127.0.0.1:1",
	}
}

// What a test can do is shown by running it without Slipway: there it gets everywhere.
func TestTests_AreKeptApart(t *testing.T) {
	rig.Slow(t)
	rig.Root(t)
	cache := cacheDir(t)
	src, env := spying(t, cache)
	require.NoError(t, os.MkdirAll(filepath.Join(cache, "go-build"), 0o755))
	alone := rig.Run(t, filepath.Join(src, "spy"), append(rig.Environ(), env...), "go", "test", "-count=1", ".")
	require.Equal(t, 1, alone.Code, alone.Stderr)
	require.Equal(t, 5, strings.Count(alone.Stdout, "--- FAIL: "), alone.Stdout)
	git(t, src, "clean", "--force", "--quiet", "spy/new.txt")
	git(t, src, "restore", "go.mod")
	require.NoError(t, os.Remove(filepath.Join(cache, "go-build", "new.txt")))
	before := git(t, src, "status", "--porcelain", "--ignored")

	temp := t.TempDir() // nobody but root enters it
	r := rig.Run(t, "", environment(t, append(env, "TMPDIR="+temp)...), slipway(t), "test", "--src", src, "--verbose")
	require.Zero(t, r.Code, r.Stderr)
	require.Contains(t, r.Stderr, "--- PASS: TestOwnFolders")
	require.Contains(t, r.Stderr, "7 tests in 3 packages")
	require.NotContains(t, r.Stderr, "git is there")
	require.Equal(t, before, git(t, src, "status", "--porcelain", "--ignored"), "what tests write beside their sources is gone")
	require.NotContains(t, r.Stderr, "tests ran as", "nothing is exposed here")
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	require.NoError(t, err)
	require.NotContains(t, string(mounts), src, "no mount is left behind")
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	require.Empty(t, left)
}

// Where something of the sandbox cannot be had, that is said, and the rest holds.
func TestTests_SayWhatIsExposed(t *testing.T) {
	rig.Slow(t)
	rig.Root(t)
	setpriv := rig.Program(t, "setpriv", "util-linux")
	fails := func(r rig.Result) []string {
		var names []string
		for _, m := range regexp.MustCompile(`(?m)--- FAIL: (\w+) \(example`).FindAllStringSubmatch(r.Stderr, -1) {
			names = append(names, m[1])
		}
		return names
	}
	cache := cacheDir(t)
	src, env := spying(t, cache)
	without := func(args ...string) []string {
		return append([]string{"--bounding-set=-sys_admin", slipway(t), "test", "--src", src}, args...)
	}
	t.Run("the source only root reads", func(t *testing.T) {
		require.NoError(t, os.Chmod(src, 0o700))
		r := rig.Run(t, "", environment(t, env...), slipway(t), "test", "--src", src)
		require.Equal(t, cli.ExitTests, r.Code, r.Stderr)
		require.Contains(t, r.Stderr, "note: tests ran as root without its capabilities and could reach root's files outside the home (as user 65532: ")
		require.Equal(t, []string{"TestUser"}, fails(r), "the home is hidden and the source not changed all the same")
		require.NoFileExists(t, filepath.Join(src, "spy", "new.txt"))
	})
	t.Run("no mounts either", func(t *testing.T) {
		r := rig.Run(t, "", environment(t, env...), setpriv, without()...)
		require.Equal(t, cli.ExitTests, r.Code, r.Stderr)
		require.Contains(t, r.Stderr, "note: tests ran as root without its capabilities, without mounts of their own (operation not permitted), and could reach root's files (as user 65532: ")
		require.Equal(t, []string{"TestSecretFile", "TestWrite", "TestUser"}, fails(r), "nor do other processes tell their secrets")
		git(t, src, "clean", "--force", "--quiet", "spy/new.txt")
		git(t, src, "restore", "go.mod")
		require.NoError(t, os.Remove(filepath.Join(cache, "go-build", "new.txt")))
	})
	t.Run("no mounts, and all that tests need is open", func(t *testing.T) {
		for dir := src; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
			require.NoError(t, os.Chmod(dir, 0o755))
		}
		modules := filepath.Join(filepath.Dir(src), "modules")
		require.NoError(t, os.Mkdir(modules, 0o755))
		// The script is constant; what varies reaches it as variables and arguments.
		const script = `mount --bind "$GOMODCACHE" "$MODULES" && GOMODCACHE=$MODULES exec "$@"`
		args := append([]string{"--mount", "sh", "-c", script, "sh", setpriv}, without()...)
		r := rig.Run(t, "", environment(t, append(env, "MODULES="+modules, "SLIPWAY_CACHE="+t.TempDir())...), "unshare", args...)
		require.Equal(t, cli.ExitTests, r.Code, r.Stderr)
		require.Contains(t, r.Stderr, "note: tests ran as user 65532 without mounts of their own (operation not permitted) and could read what every user of this machine can")
		require.Equal(t, []string{"TestSecretFile", "TestBeside"}, fails(r))
		require.NotContains(t, r.Stderr, ".netrc says", "root alone reads it")
	})
}

// ends are packages that end in every way.
var ends = map[string]string{
	"pass/pass_test.go":   "package pass\n\nimport \"testing\"\n\nfunc TestGood(t *testing.T) { t.Run(\"noon\", func(*testing.T) {}) }\n\nfunc TestSkipped(t *testing.T) { t.Skip(\"no moon\") }\n",
	"fails/fails_test.go": "package fails\n\nimport (\n\t\"fmt\"\n\t\"testing\"\n)\n\nfunc TestBad(t *testing.T) {\n\tt.Run(\"good\", func(*testing.T) {})\n\tt.Run(\"bad\", func(t *testing.T) { fmt.Print(\"\\x00\\xff\"); t.Error(\"no water\") })\n}\n",
	"panics/p_test.go":    "package panics\n\nimport \"testing\"\n\nfunc TestPanic(*testing.T) { var m map[string]int; m[\"\"]++ }\n\nfunc TestAfter(*testing.T) {}\n",
	"exits/exits_test.go": "package exits\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestExit(*testing.T) { os.Exit(3) }\n",
	"setup/setup_test.go": "package setup\n\nimport (\n\t\"fmt\"\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestMain(*testing.M) { fmt.Println(\"no database\"); os.Exit(1) }\n",
	"slow/slow_test.go":   "package slow\n\nimport (\n\t\"flag\"\n\t\"testing\"\n\t\"time\"\n)\n\nfunc TestMain(m *testing.M) { flag.Parse(); flag.Set(\"test.timeout\", \"1s\"); m.Run() }\n\nfunc TestHang(*testing.T) { time.Sleep(time.Hour) }\n",
	"broken/broken.go":    "package broken\n\nvar High = tide\n",
	"broken/b_test.go":    "package broken\n\nimport \"testing\"\n\nfunc TestHigh(*testing.T) {}\n",
	"needs/needs_test.go": "package needs\n\nimport _ \"example.com/tide/broken\"\n",
	"syntax/s_test.go":    "package syntax\n\nfunc TestHigh(\n",
	"vetted/vetted.go":    "package vetted\n\nimport \"fmt\"\n\nfunc Say() { fmt.Printf(\"%d\", \"tide\") }\n",
}

var (
	address = regexp.MustCompile(`0x[0-9a-f]+\??|goroutine \d+|\(\d+s\)`)
	goroot  = regexp.MustCompile(`golang\.org/toolchain@\S+?/src/|/usr/local/go/src/`)
)

// untimely are results without what differs from run to run and from place to place.
func untimely(tests *finding.Tests) *finding.Tests {
	lines := func(list []string) {
		for i := range list {
			list[i] = goroot.ReplaceAllString(address.ReplaceAllString(list[i], "?"), "GOROOT/")
		}
	}
	tests.NoRace, tests.Exposed = "", ""
	for i := range tests.Packages {
		p := &tests.Packages[i]
		p.Seconds = 0
		lines(p.Output)
		for j := range p.Tests {
			p.Tests[j].Seconds = 0
			lines(p.Tests[j].Output)
		}
	}
	return tests
}

func requireTestsToldAlike(t *testing.T, l *lab) {
	src := fixture(t)
	for name, text := range ends {
		require.NoError(t, os.MkdirAll(filepath.Join(src, filepath.Dir(name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(src, filepath.FromSlash(name)), []byte(text), 0o644))
	}
	pin, err := plan.ParsePin(l.images.Builder)
	require.NoError(t, err)
	run := func(e engine.Engine) (*finding.Tests, *fault.Error, []string) {
		defer e.Close()
		_, err := e.Prepare(t.Context(), engine.Source{Root: src, TreeRoot: src, ModuleFolders: []string{src}}, engine.Builder{Image: pin, Release: "go1.26.9"}, step.Silent{}.Start(""))
		require.NoError(t, err)
		var heard []string
		asked := engine.Tests{Packages: []string{"./..."}, Event: func(p finding.TestPackage) { heard = append(heard, p.Name) }}
		tests, err := e.Test(t.Context(), asked, step.Silent{}.Start(""))
		f, ok := errors.AsType[*fault.Error](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, fault.Tests, f.Kind, "%v", err)
		require.Len(t, heard, len(tests.Packages))
		return untimely(tests), f, heard
	}
	onLocal, onDagger := bothEngines(t, l)
	ours, said, _ := run(onLocal)
	theirs, alsoSaid, _ := run(onDagger)
	require.Equal(t, ours, theirs)
	require.Equal(t, said.What, alsoSaid.What)
	require.Equal(t, said.Fix, alsoSaid.Fix)
	require.Equal(t, "4 tests fail, TestExit first, the tests of example.com/tide/setup fail, the tests of 3 packages do not build, example.com/tide/broken first, and go vet fails", said.What)
	require.Equal(t, []string{"fail", "skip", "fail", "fail", "fail", "fail", "pass", "fail", "fail", "fail", "pass", "skip"}, outcomes(ours))
	passed, failed, skipped := ours.Count()
	require.Equal(t, []int{2, 4, 1}, []int{passed, failed, skipped})

	t.Run("kept apart by the Dagger engine too", func(t *testing.T) {
		src, env := spying(t, "/go/pkg/mod")
		env = append(slices.DeleteFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "HOME=") }), "SLIPWAY_CACHE="+t.TempDir())
		for range 2 { // the second time the caches are there
			r := rig.Run(t, "", append(l.engine.Env, env...), slipway(t), "test", "--engine", "dagger", "--src", src, "--builder", l.images.Builder, "--verbose", "--race")
			require.Zero(t, r.Code, r.Stderr)
			require.Contains(t, r.Stderr, "--- PASS: TestOwnFolders")
			require.Contains(t, r.Stderr, "7 tests in 3 packages, without the race detector: the builder image has no C compiler")
		}
	})
}

// bothEngines are the local engine and the lab's.
func bothEngines(t *testing.T, l *lab) (onLocal, onDagger engine.Engine) {
	t.Helper()
	host := ""
	for _, kv := range l.engine.Env {
		if value, ok := strings.CutPrefix(kv, "_EXPERIMENTAL_DAGGER_RUNNER_HOST="); ok {
			host = value
		}
	}
	return local.New(local.Options{Env: environment(t), Cache: cacheDir(t)}), dagger.New(dagger.Options{Env: l.engine.Env, Cache: t.TempDir(), Where: dagger.Where{Host: host}})
}

func outcomes(tests *finding.Tests) []string {
	var list []string
	for _, p := range tests.Packages {
		list = append(list, p.Outcome)
	}
	return list
}

func TestTests_FindRacesWhereThereIsACompiler(t *testing.T) {
	rig.Slow(t)
	rig.Program(t, "gcc", "gcc")
	src := fixture(t)
	const racy = "package table\n\nimport \"testing\"\n\nfunc TestRace(t *testing.T) {\n\tn, done := 0, make(chan bool)\n\tgo func() { n++; close(done) }()\n\tn++\n\t<-done\n}\n"
	require.NoError(t, os.WriteFile(filepath.Join(src, "table", "table_test.go"), []byte(racy), 0o644))
	test := func(env []string, args ...string) rig.Result {
		return rig.Run(t, "", environment(t, env...), slipway(t), append([]string{"test", "--src", src}, args...)...)
	}
	r := test(nil, "--race")
	require.Equal(t, cli.ExitTests, r.Code, r.Stderr)
	require.Contains(t, r.Stderr, "error: the test TestRace fails")
	require.Contains(t, r.Stderr, "WARNING: DATA RACE")
	require.Regexp(t, `fix: correct table/table_test\.go:[78]`, r.Stderr)
	r = test(nil)
	require.Zero(t, r.Code, "nobody asked for it: %s", r.Stderr)

	path := t.TempDir()
	for _, name := range []string{"go", "git"} {
		program, err := exec.LookPath(name)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(program, filepath.Join(path, name)))
	}
	r = test([]string{"PATH=" + path, "CC=gcc"}, "--race")
	require.Zero(t, r.Code, r.Stderr)
	require.Contains(t, r.Stderr, "1 test in 2 packages, without the race detector: no C compiler on PATH")
}
