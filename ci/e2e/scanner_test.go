package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/dagger"
	"example.com/slipway/ci/engine/local"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/scan"
	"example.com/slipway/ci/step"
	"example.com/slipway/ci/tool"
)

// broken are scanners that misbehave, with what is said of each.
var broken = map[string]struct{ local, dagger string }{
	"crash":  {"wrote no report and ended with exit code 2", "ended with exit code 2"},
	"hang":   {"did not end within 3s", "did not end within 3s"},
	"silent": {"wrote no report", "wrote no report"},
	"empty":  {"wrote an empty report", "wrote an empty report"},
	"large":  {"wrote a report of more than 1.0 MB", "wrote a report of more than 1.0 MB"},
	// An engine passes on what is printed, which is slower.
	"loud": {"wrote no report and ended with exit code 1", "did not end within 3s|ended with exit code 1"},
}

const (
	brokenLimit = 1 << 20
	// brokenWait is for those that do not end.
	brokenWait = 3 * time.Second
	// loudWait is for those that do, after they have written a gigabyte.
	loudWait = 90 * time.Second
)

// hostile are variables that a scanner, or the engine around it, could obey.
var hostile = []string{
	"TRIVY_EXIT_CODE=0", "TRIVY_SEVERITY=LOW", "TRIVY_CONFIG=/src/trivy.yaml", "TRIVY_IGNOREFILE=/src/.trivyignore", "TRIVY_SKIP_FILES=**",
	"DOCKER_CONFIG=/src", "DOCKER_HOST=tcp://127.0.0.1:1", "GITHUB_TOKEN=secret", "AWS_SECRET_ACCESS_KEY=secret", "XDG_CACHE_HOME=/src",
	"HTTPS_PROXY=http://127.0.0.1:1",
}

// fakeScanner is a folder with a program that claims to be Trivy and behaves in a way.
func fakeScanner(t *testing.T, mode, version string) string {
	t.Helper()
	dir := t.TempDir()
	rig.Must(t, "", append(rig.Environ(), "CGO_ENABLED=0"), "go", "build", "-o", filepath.Join(dir, "trivy"), "./testdata/scanner")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "trivy.mode"), []byte(mode+" "+version+"\n"), 0o644))
	return dir
}

// scanOf is a scan of an image, with limits of a real one.
func scanOf(t *testing.T, img v1.Image) engine.Scan {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "layout")
	p, err := layout.Write(dir, empty.Index)
	require.NoError(t, err)
	require.NoError(t, p.AppendImage(img))
	return engine.Scan{Layout: dir, Cache: fetched(t).Folder, Args: scan.Args(5 * time.Minute), Limit: 64 << 20, Wait: 5 * time.Minute}
}

// limited is a scan of nothing, with limits for a broken scanner.
func limited(t *testing.T, mode string) engine.Scan {
	t.Helper()
	sc := scanOf(t, empty.Image)
	sc.Limit, sc.Wait = brokenLimit, loudWait
	if mode == "hang" {
		sc.Wait = brokenWait
	}
	return sc
}

// localWith is the local engine with nothing but that folder on PATH, and no tools kept.
func localWith(t *testing.T, dir string) *local.Engine {
	t.Helper()
	return local.New(local.Options{Env: append(slices.Clone(hostile), "PATH="+dir), Cache: t.TempDir()})
}

// requireUnjudged wants an error that says so, little memory used for it, and nothing
// left running.
func requireUnjudged(t *testing.T, e engine.Engine, sc engine.Scan, want string) {
	t.Helper()
	sc.Args = append(sc.Args, t.TempDir()) // by which it is known among the processes
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	said, err := e.Scan(t.Context(), sc, step.Silent{}.Start(""))
	runtime.ReadMemStats(&after)
	require.Equal(t, fault.Unjudged, fault.KindOf(err), "%v", err)
	require.Regexp(t, want, err.Error())
	require.Empty(t, said.Report)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20))
	rig.Eventually(t, 2*time.Minute, "the scanner ends", func() bool {
		lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
		require.NoError(t, err)
		return !slices.ContainsFunc(lines, func(name string) bool {
			text, err := os.ReadFile(name)
			return err == nil && strings.Contains(string(text), "\x00"+sc.Args[len(sc.Args)-1]+"\x00")
		})
	})
}

// A scanner that breaks down judges nothing, and takes neither the time nor the memory
// nor the disk of the machine with it.
func TestScanner_BrokenIsUnjudged(t *testing.T) {
	rig.Slow(t)
	for mode, want := range broken {
		t.Run(mode, func(t *testing.T) {
			e := localWith(t, fakeScanner(t, mode, "0.74.0"))
			temp := t.TempDir()
			t.Setenv("TMPDIR", temp)
			start := time.Now()
			requireUnjudged(t, e, limited(t, mode), want.local)
			require.Less(t, time.Since(start), loudWait)
			left, err := os.ReadDir(temp)
			require.NoError(t, err)
			require.Empty(t, slices.DeleteFunc(left, func(d os.DirEntry) bool { return !strings.HasPrefix(d.Name(), "slipway-") }))
		})
	}
	t.Run("truncated", func(t *testing.T) {
		said, err := localWith(t, fakeScanner(t, "truncated", "0.74.0")).Scan(t.Context(), limited(t, ""), step.Silent{}.Start(""))
		require.NoError(t, err)
		_, err = scan.Parse(said, expected("example.com/tide", "app/tide", "go1.26.9"))
		require.Equal(t, fault.Unjudged, fault.KindOf(err), "%v", err)
	})
	t.Run("hijacked", func(t *testing.T) {
		requireUnjudged(t, localWith(t, fakeScanner(t, "look", "0.69.4")), limited(t, ""), "hijacked in March 2026")
	})
	t.Run("absent", func(t *testing.T) {
		requireUnjudged(t, localWith(t, t.TempDir()), limited(t, ""), "slipway tool trivy builds it")
	})
}

// seen is what a scanner saw of its surroundings.
type seen struct {
	Env, Files, Args []string
	Network          string
}

func requireAlone(t *testing.T, e engine.Engine, sc engine.Scan, variables ...string) {
	t.Helper()
	said, err := e.Scan(t.Context(), sc, step.Silent{}.Start(""))
	require.NoError(t, err)
	require.Zero(t, said.Code)
	require.Equal(t, "0.74.0", said.Version)
	var s seen
	require.NoError(t, json.Unmarshal(said.Report, &s))
	require.Equal(t, []string{"cache", "image"}, s.Files)
	require.Equal(t, sc.Args, s.Args)
	var names []string
	for _, kv := range s.Env {
		name, _, _ := strings.Cut(kv, "=")
		names = append(names, name)
	}
	slices.Sort(names)
	require.Equal(t, variables, names, "%v", s.Env)
	require.Equal(t, 1, strings.Count(s.Network, ":"), "%s", s.Network)
	require.Contains(t, s.Network, "lo:")
}

// What lies in the source, in the user's home or in the environment does not reach a
// scanner: it sees the image, the database, and no network.
func TestScanner_IsAlone(t *testing.T) {
	rig.Slow(t)
	rig.Root(t) // where no other user may have a network of their own
	src := t.TempDir()
	for name, text := range map[string]string{"trivy.yaml": "exit-code: 0\n", ".trivyignore": "CVE-2026-78667\n", "trivy-secret.yaml": "disable-rules: [github-pat]\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(src, name), []byte(text), 0o600))
	}
	fake := fakeScanner(t, "look", "0.74.0")
	t.Setenv("HOME", src)
	t.Setenv("TRIVY_EXIT_CODE", "0")
	e, sc := localWith(t, fake), limited(t, "")
	t.Chdir(src)
	requireAlone(t, e, sc, "HOME", "PATH", "TEMP", "TMP", "TMPDIR", "USERPROFILE")
}

// The real scanner gives the same findings on both engines; one that breaks down in an
// engine judges nothing either.
func requireScanner(t *testing.T, l *lab) {
	real, registry, started := rig.Trivy(t), l.images.Address, l.engine
	e := dagger.New(dagger.Options{Env: append(slices.Clone(started.Env), hostile...), Cache: t.TempDir(), Where: dagger.Where{Host: started.Address, CLI: started.Dagger}})
	t.Cleanup(func() { require.NoError(t, e.Close()) })

	t.Run("the same findings as on this machine", func(t *testing.T) {
		sc := scanOf(t, built(t, fixture(t), earlier))
		sc.Scanner = rig.PushScanner(t, registry, real)
		want := expected("example.com/tide", "app/tide", "go1.26.8")
		theirs, err := e.Scan(t.Context(), sc, step.Silent{}.Start(""))
		require.NoError(t, err)
		require.Equal(t, tool.TrivyVersion, theirs.Version)
		found, err := scan.Parse(theirs, want)
		require.NoError(t, err)
		require.Contains(t, names(found), "high CVE-2026-78667 stdlib stdlib v1.26.8 -> 1.26.9, 1.27.2 /app/tide")

		env := append(slices.Clone(hostile), "PATH="+t.TempDir())
		ours, err := local.New(local.Options{Env: env, Cache: cacheDir(t)}).Scan(t.Context(), sc, step.Silent{}.Start(""))
		require.NoError(t, err)
		require.Equal(t, tool.TrivyVersion, ours.Version)
		same, err := scan.Parse(ours, want)
		require.NoError(t, err)
		require.Equal(t, same, found)
	})
	push := func(t *testing.T, mode, version string) plan.Pin {
		t.Helper()
		dir := fakeScanner(t, mode, version)
		return rig.PushScanner(t, registry, filepath.Join(dir, "trivy"), filepath.Join(dir, "trivy.mode"))
	}
	t.Run("alone", func(t *testing.T) {
		sc := limited(t, "")
		sc.Scanner = push(t, "look", "0.74.0")
		requireAlone(t, e, sc, "HOME", "PATH")
	})
	for mode, want := range broken {
		t.Run(mode, func(t *testing.T) {
			sc := limited(t, mode)
			if mode == "loud" {
				sc.Wait = brokenWait
			}
			sc.Scanner = push(t, mode, "0.74.0")
			start := time.Now()
			requireUnjudged(t, e, sc, want.dagger)
			require.Less(t, time.Since(start), loudWait)
		})
	}
	t.Run("hijacked", func(t *testing.T) {
		sc := limited(t, "")
		sc.Scanner = push(t, "look", "0.69.4")
		requireUnjudged(t, e, sc, "hijacked in March 2026")
		sc.Scanner.Digest = "sha256:27f446230c60bbf0b70e008db798bd4f33b7826f9f76f756606f5417100beef3"
		requireUnjudged(t, e, sc, "hijacked in March 2026")
	})
	t.Run("absent", func(t *testing.T) {
		sc := limited(t, "")
		sc.Scanner = push(t, "look", "0.74.0")
		sc.Scanner.Digest = "sha256:" + strings.Repeat("0", 64)
		requireUnjudged(t, e, sc, "did not get the scanner image")
	})
}
