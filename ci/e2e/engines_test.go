package e2e_test

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

// lab is a registry with stand-ins for builder and base, a Dagger engine that has it as
// its mirror, and the Slipway that is run there.
type lab struct {
	images  *rig.Standins
	engine  *rig.Engine
	program string
}

// newLab starts the engine of all labs, or goes on with it, and with what it has compiled:
// each of its own would compile the standard library again, for builds, tests and tools.
func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{images: rig.NewStandins(t, "0.0.0.0"), program: slipway(t)}
	l.start(t)
	return l
}

// newEmptyLab has an engine of its own, with nothing in its caches.
func newEmptyLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{images: rig.NewStandins(t, "0.0.0.0"), program: slipway(t)}
	l.engine = engines.Start(t, slipway(t), rig.EngineOptions{Name: "empty", Args: l.images.Mirrors()})
	return l
}

// start starts the engine, again where it was started with other arguments.
func (l *lab) start(t *testing.T, args ...string) {
	t.Helper()
	l.engine = engines.Start(t, slipway(t), rig.EngineOptions{Name: "lab", Kept: true, Args: append(l.images.Mirrors(), args...)})
}

// pins are the arguments of a build on the stand-ins.
func (l *lab) pins() []string {
	return append([]string{"--builder", l.images.Builder, "--base", l.images.Base}, l.images.Mirrors()...)
}

// dagger builds on the engine with a cache folder of its own, so that nothing comes
// from an earlier build, unless extra names another.
func (l *lab) dagger(t *testing.T, src, out string, extra []string, args ...string) rig.Result {
	t.Helper()
	env := slices.Concat(l.engine.Env, []string{"SLIPWAY_CACHE=" + t.TempDir()}, extra)
	call := slices.Concat([]string{"build", "--engine", "dagger", "--no-record", "--src", src, "--output", out}, l.pins(), args)
	return rig.Run(t, "", env, l.program, call...)
}

// local builds on this machine.
func (l *lab) local(t *testing.T, src, out string, args ...string) rig.Result {
	t.Helper()
	call := slices.Concat([]string{"build", "--engine", "local", "--no-record", "--src", src, "--output", out}, l.pins(), args)
	return rig.Run(t, "", environment(t, bases(t)), l.program, call...)
}

// What judges in a Dagger engine.
func TestLab(t *testing.T) {
	rig.Slow(t)
	l := newLab(t)
	// It gives broken scanners three seconds each, so nothing runs beside it.
	t.Run("scans without a network", func(t *testing.T) { requireScanner(t, l) })
	for _, judge := range []struct {
		name    string
		require func(*testing.T, *lab)
	}{
		{"finds the same as on this machine", requireSameReceipts},
		{"tells the same of tests", requireTestsToldAlike},
		{"tells the same of flaky tests", requireFlakyToldAlike},
		{"knows what is called", requireReach},
		{"tries images", requireSmokeInTheEngine},
		{"reproduces what this machine published", requireReproduced},
		{"repeats what failed in a job", requireReplays},
		{"opens a shell where something failed", requireShell},
	} {
		t.Run(judge.name, func(t *testing.T) {
			t.Parallel()
			judge.require(t, l)
		})
	}
}

// requireReproduced wants the image that the local engine published from the Dagger
// engine, by what is said of the image, and nothing of another source.
func requireReproduced(t *testing.T, l *lab) {
	t.Helper()
	src, keys := fixture(t), t.TempDir()
	// The engine is kept between runs of the test, in which this program is new.
	require.NoError(t, os.WriteFile(filepath.Join(src, "cmd", "tide", "banner.txt"), []byte(rand.Text()), 0o644))
	git(t, src, "commit", "--quiet", "--all", "--amend", "--no-edit")
	git(t, src, "tag", "--force", "v1.4.0")
	rig.Must(t, keys, append(rig.Environ(), "COSIGN_PASSWORD=tide"), rig.Tool(t, "cosign"), "generate-key-pair")
	target := l.images.Address + "/team/tide"
	args := slices.Concat([]string{"publish", "--engine", "local", "--src", src, "--output", t.TempDir(), "--gate", "image",
		"--target", target, "--sign-key", filepath.Join(keys, "cosign.key")}, l.pins())
	published := rig.Must(t, "", environment(t, bases(t), "COSIGN_PASSWORD=tide"), slipway(t), args...)
	reproduce := func(src string) rig.Result {
		return rig.Run(t, "", l.engine.Env, slipway(t), slices.Concat([]string{"reproduce", "--engine", "dagger", "--src", src,
			"--key", filepath.Join(keys, "cosign.pub"), target + ":1.4.0"}, l.images.Mirrors())...)
	}
	r := reproduce(src)
	require.Zero(t, r.Code, "%s%s", r.Stdout, r.Stderr)
	require.Contains(t, r.Stdout, strings.TrimPrefix(published, target+"@"))
	require.Regexp(t, `rebuild +passed`, r.Stdout)
	require.Regexp(t, `build linux/amd64 +done`, r.Stderr, "nothing was kept from the local engine")
}

// One digest from both engines, for the sample and for services of others: the
// layouts are the same, byte for byte.
func TestEngines_GiveOneDigest(t *testing.T) {
	rig.Slow(t)
	l := newEmptyLab(t)
	sample := filepath.Join(t.TempDir(), "slipway")
	checkout(t, sample)
	sources := map[string]string{"the sample": sample}
	for _, s := range services {
		if slices.Contains([]string{"github.com/rakyll/hey", "github.com/hashicorp/http-echo", "github.com/mccutchen/go-httpbin/v2"}, s.module) {
			sources[s.module] = s.source(t)
		}
	}
	require.Len(t, sources, 4)
	for name, src := range sources {
		t.Run(name, func(t *testing.T) {
			ours, theirs := t.TempDir(), t.TempDir()
			digest := digestOf(t, l.local(t, src, ours))
			r := l.dagger(t, src, theirs, nil)
			require.Equal(t, digest, digestOf(t, r))
			require.Regexp(t, `build linux/amd64 +done`, r.Stderr, "nothing was kept from the local engine")
			rig.Must(t, "", rig.Environ(), "diff", "--recursive", ours, theirs)
		})
	}
	t.Run("an edit compiles what depends on it alone", func(t *testing.T) { requireFewCompiled(t, l) })
	t.Run("commands before a build run in the builder", func(t *testing.T) { requirePreBuild(t, l) })
	t.Run("failures are told in the same words", func(t *testing.T) { requireSameWords(t, l) })
	t.Run("whichever engine it is, and wherever", func(t *testing.T) { requireOneDigest(t, l, sources) })
}

// requireOneDigest wants what the local engine builds from every engine, whatever it has
// in its caches and however it is reached. One platform: what is shown does not hang on
// their number.
func requireOneDigest(t *testing.T, l *lab, sources map[string]string) {
	t.Helper()
	one := []string{"--platform", "linux/amd64"}
	same := func(t *testing.T, l *lab, digest, src string, extra ...string) {
		t.Helper()
		r := l.dagger(t, src, t.TempDir(), extra, one...)
		require.Equal(t, digest, digestOf(t, r))
		require.Regexp(t, `build linux/amd64 +done`, r.Stderr)
	}
	digests := map[string]string{}
	for name, src := range sources {
		digests[name] = digestOf(t, l.local(t, src, t.TempDir(), one...))
	}
	each := func(t *testing.T, l *lab, extra ...string) {
		t.Helper()
		for name, src := range sources {
			t.Run(name, func(t *testing.T) { same(t, l, digests[name], src, extra...) })
		}
	}
	sample, digest := sources["the sample"], digests["the sample"]
	t.Run("from another folder, with other times, in another time zone", func(t *testing.T) {
		moved := filepath.Join(t.TempDir(), "else where")
		checkout(t, moved)
		past := time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC)
		require.NoError(t, filepath.WalkDir(moved, func(name string, _ os.DirEntry, err error) error {
			require.NoError(t, err)
			return os.Chtimes(name, past, past)
		}))
		same(t, l, digest, moved, "TZ=Asia/Jakarta")
	})
	t.Run("from a Slipway whose clock is decades off", func(t *testing.T) {
		program, err := clocked()
		require.NoError(t, err)
		off := *l
		off.program = program
		for _, name := range []string{"the sample", "github.com/rakyll/hey"} {
			same(t, &off, digests[name], sources[name], rig.Clock(-decades))
			same(t, &off, digests[name], sources[name], rig.Clock(decades))
		}
	})
	t.Run("from an engine that is reached over ssh", func(t *testing.T) {
		server := rig.NewSSH(t, "127.0.0.1", l.engine.Programs)
		same(t, l, digest, sample, overSSH(t, l.engine, server, server.Key)...)
	})
	t.Run("from an engine that is reached through kubectl", func(t *testing.T) {
		same(t, l, digest, sample, throughKubectl(t, l.engine)...)
	})
	t.Run("from the engine after a restart", func(t *testing.T) {
		env := environment(t)
		rig.Must(t, "", env, slipway(t), "engine", "down", "--name", l.engine.Name)
		refused := l.dagger(t, sample, t.TempDir(), nil, one...)
		require.Equal(t, 40, refused.Code, refused.Stderr)
		rig.Must(t, "", env, slipway(t), append([]string{"engine", "up", "--name", l.engine.Name}, l.images.Mirrors()...)...)
		each(t, l) // a stopped engine that comes back: the next run just works
	})
	t.Run("from the engine after a prune", func(t *testing.T) {
		rig.Must(t, "/", l.engine.Env, l.engine.Dagger, "--silent", "core", "engine", "local-cache", "prune")
		each(t, l)
	})
	t.Run("from an engine on another machine", func(t *testing.T) {
		far, proxy := farLab(t, l)
		each(t, far, proxy, "GONOSUMDB=*")
	})
}
