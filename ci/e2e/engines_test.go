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
		{"tells failures in the same words", requireSameWords},
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
	alike := func(t *testing.T, src string) {
		t.Helper()
		ours, theirs := t.TempDir(), t.TempDir()
		digest := digestOf(t, l.local(t, src, ours))
		r := l.dagger(t, src, theirs, nil)
		require.Equal(t, digest, digestOf(t, r))
		require.Regexp(t, `build linux/amd64 +done`, r.Stderr, "nothing was kept from the local engine")
		rig.Must(t, "", rig.Environ(), "diff", "--recursive", ours, theirs)
	}
	// The first has the standard library compiled, once for all that then run beside each other.
	t.Run("the sample", func(t *testing.T) { alike(t, sample) })
	t.Run("with what it has then", func(t *testing.T) {
		for name, c := range map[string]func(*testing.T, *lab){
			"an edit compiles what depends on it alone":  requireFewCompiled,
			"commands before a build run in the builder": requirePreBuild,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c(t, l)
			})
		}
		for name, src := range sources {
			if src != sample {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					alike(t, src)
				})
			}
		}
	})
	t.Run("whichever engine it is, and wherever", func(t *testing.T) { requireOneDigest(t, l, sources) })
}

// onePlatform is what a digest is compared for in every engine: what is shown does not
// hang on the number of platforms.
var onePlatform = []string{"--platform", "linux/amd64"}

// digests are those that the local engine gives of sources, both by name.
type digests struct{ sources, of map[string]string }

// same wants the digest of a source from an engine.
func (d digests) same(t *testing.T, l *lab, name, src string, extra ...string) {
	t.Helper()
	r := l.dagger(t, src, t.TempDir(), extra, onePlatform...)
	require.Equal(t, d.of[name], digestOf(t, r))
	require.Regexp(t, `build linux/amd64 +done`, r.Stderr)
}

// each wants the digest of every source from an engine.
func (d digests) each(t *testing.T, l *lab, extra ...string) {
	t.Helper()
	for name, src := range d.sources {
		t.Run(name, func(t *testing.T) { d.same(t, l, name, src, extra...) })
	}
}

// requireOneDigest wants what the local engine builds from every engine, whatever it has
// in its caches and however it is reached.
func requireOneDigest(t *testing.T, l *lab, sources map[string]string) {
	t.Helper()
	d := digests{sources, map[string]string{}}
	for name, src := range sources {
		d.of[name] = digestOf(t, l.local(t, src, t.TempDir(), onePlatform...))
	}
	t.Run("as it runs", func(t *testing.T) { requireOneFromWherever(t, l, d) })
	t.Run("from the engine after a restart", func(t *testing.T) {
		env := environment(t)
		rig.Must(t, "", env, slipway(t), "engine", "down", "--name", l.engine.Name)
		refused := l.dagger(t, sources["the sample"], t.TempDir(), nil, onePlatform...)
		require.Equal(t, 40, refused.Code, refused.Stderr)
		rig.Must(t, "", env, slipway(t), append([]string{"engine", "up", "--name", l.engine.Name}, l.images.Mirrors()...)...)
		d.each(t, l) // a stopped engine that comes back: the next run just works
	})
	t.Run("from the engine after a prune", func(t *testing.T) {
		rig.Must(t, "/", l.engine.Env, l.engine.Dagger, "--silent", "core", "engine", "local-cache", "prune")
		d.each(t, l)
	})
}

// requireOneFromWherever are the ways that do not need the engine for themselves.
func requireOneFromWherever(t *testing.T, l *lab, d digests) {
	sample := d.sources["the sample"]
	for name, c := range map[string]func(*testing.T){
		"from an engine on another machine": func(t *testing.T) {
			far, proxy := farLab(t, l)
			d.each(t, far, proxy, "GONOSUMDB=*")
		},
		"from another folder, with other times, in another time zone": func(t *testing.T) {
			moved := filepath.Join(t.TempDir(), "else where")
			checkout(t, moved)
			past := time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC)
			require.NoError(t, filepath.WalkDir(moved, func(name string, _ os.DirEntry, err error) error {
				require.NoError(t, err)
				return os.Chtimes(name, past, past)
			}))
			d.same(t, l, "the sample", moved, "TZ=Asia/Jakarta")
		},
		"from a Slipway whose clock is decades off": func(t *testing.T) {
			program, err := clocked()
			require.NoError(t, err)
			off := *l
			off.program = program
			for _, name := range []string{"the sample", "github.com/rakyll/hey"} {
				d.same(t, &off, name, d.sources[name], rig.Clock(-decades))
				d.same(t, &off, name, d.sources[name], rig.Clock(decades))
			}
		},
		"from an engine that is reached over ssh": func(t *testing.T) {
			server := rig.NewSSH(t, "127.0.0.1", l.engine.Programs)
			d.same(t, l, "the sample", sample, overSSH(t, l.engine, server, server.Key)...)
		},
		"from an engine that is reached through kubectl": func(t *testing.T) {
			d.same(t, l, "the sample", sample, throughKubectl(t, l.engine)...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c(t)
		})
	}
}
