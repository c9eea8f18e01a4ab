package e2e_test

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/cli"
	"example.com/slipway/ci/e2e/rig"
)

// lab is a registry with stand-ins for builder and base, and a Dagger engine that has
// it as its mirror.
type lab struct {
	images *rig.Standins
	engine *rig.Engine
}

// newLab starts the engine of all labs, or goes on with it: each of its own would
// compile the standard library again.
func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{images: rig.NewStandins(t, "0.0.0.0")}
	l.start(t)
	return l
}

// start starts the engine, again where it was started with other arguments.
func (l *lab) start(t *testing.T, args ...string) {
	t.Helper()
	l.engine = engines.Start(t, slipway(t), rig.EngineOptions{Name: "lab", Lasting: true, Args: append(l.images.Mirrors(), args...)})
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
	call := slices.Concat([]string{"build", "--engine", "dagger", "--src", src, "--output", out}, l.pins(), args)
	return rig.Run(t, "", env, slipway(t), call...)
}

// local builds on this machine.
func (l *lab) local(t *testing.T, src, out string, args ...string) rig.Result {
	t.Helper()
	call := slices.Concat([]string{"build", "--engine", "local", "--src", src, "--output", out}, l.pins(), args)
	return rig.Run(t, "", environment(t, bases(t)), slipway(t), call...)
}

// What judges in a Dagger engine.
func TestLab(t *testing.T) {
	rig.Slow(t)
	l := newLab(t)
	for _, judge := range []struct {
		name    string
		require func(*testing.T, *lab)
	}{
		{"finds the same as on this machine", requireSameReceipts},
		{"tells the same of tests", requireTestsToldAlike},
		{"tells the same of flaky tests", requireFlakyToldAlike},
		{"knows what is called", requireReach},
		{"scans without a network", requireScanner},
		{"tries images", requireSmokeInTheEngine},
		{"reproduces what this machine published", requireReproduced},
		{"repeats what failed in a job", requireReplays},
	} {
		t.Run(judge.name, func(t *testing.T) { judge.require(t, l) })
	}
}

// requireReproduced wants the image that the local engine published from the Dagger
// engine, by what is said of the image, and nothing of another source.
func requireReproduced(t *testing.T, l *lab) {
	t.Helper()
	src, keys := fixture(t), t.TempDir()
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
	l := newLab(t)
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
	// One platform from here on: what is shown does not hang on the number.
	one := []string{"--platform", "linux/amd64"}
	digest := digestOf(t, l.local(t, sample, t.TempDir(), one...))
	same := func(t *testing.T, l *lab, src string, extra ...string) {
		t.Helper()
		r := l.dagger(t, src, t.TempDir(), extra, one...)
		require.Equal(t, digest, digestOf(t, r))
		require.Regexp(t, `build linux/amd64 +done`, r.Stderr)
	}
	t.Run("from another folder, with other times, in another time zone", func(t *testing.T) {
		moved := filepath.Join(t.TempDir(), "else where")
		checkout(t, moved)
		past := time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC)
		require.NoError(t, filepath.WalkDir(moved, func(name string, _ os.DirEntry, err error) error {
			require.NoError(t, err)
			return os.Chtimes(name, past, past)
		}))
		same(t, l, moved, "TZ=Asia/Jakarta")
	})
	t.Run("from the engine after a restart", func(t *testing.T) {
		env := environment(t)
		rig.Must(t, "", env, slipway(t), "engine", "down", "--name", l.engine.Name)
		refused := l.dagger(t, sample, t.TempDir(), nil, one...)
		require.Equal(t, 40, refused.Code, refused.Stderr)
		rig.Must(t, "", env, slipway(t), append([]string{"engine", "up", "--name", l.engine.Name}, l.images.Mirrors()...)...)
		same(t, l, sample) // a stopped engine that comes back: the next run just works
	})
	t.Run("from the engine after a prune", func(t *testing.T) {
		rig.Must(t, "/", l.engine.Env, l.engine.Dagger, "--silent", "core", "engine", "local-cache", "prune")
		same(t, l, sample)
	})
	t.Run("from an engine on another machine", func(t *testing.T) {
		far, proxy := farLab(t, l)
		same(t, far, sample, proxy, "GONOSUMDB=*")
	})
}

// requireFewCompiled wants nothing built for what is not in the binary, and of an edit
// only what depends on it.
func requireFewCompiled(t *testing.T, l *lab) {
	t.Helper()
	src, cache := fixture(t), "SLIPWAY_CACHE="+t.TempDir()
	write := func(name, text string) {
		file := filepath.Join(src, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	// Two packages that do not know of each other.
	write("coast/coast.go", "package coast\n\nfunc init() { println() }\n")
	write("cmd/tide/coast.go", "package main\n\nimport _ \"example.com/tide/coast\"\n")
	build := func() rig.Result {
		r := l.dagger(t, src, t.TempDir(), []string{cache}, "--platform", "linux/amd64", "--verbose")
		digestOf(t, r)
		return r
	}
	require.Regexp(t, `build linux/amd64 +done`, build().Stderr)
	for _, name := range []string{"README.md", ".git/description", "table/table_test.go", "new.txt"} {
		write(name, "package table\n")
		require.Regexp(t, `build linux/amd64 +cached`, build().Stderr, name)
	}
	write("table/table.go", "package table\n\nfunc High() string { return \"18:40\" }\n")
	var compiled []string
	for line := range strings.Lines(build().Stderr) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "build linux/amd64 | "); ok && !strings.HasPrefix(name, "go build ") {
			compiled = append(compiled, name)
		}
	}
	require.Equal(t, []string{"example.com/tide/table", "example.com/tide/cmd/tide"}, compiled)
}

// requirePreBuild wants a command of the source run in the builder, and what it made in
// the source folder and in the image, and nothing else changed.
func requirePreBuild(t *testing.T, l *lab) {
	t.Helper()
	src := fixture(t)
	require.NoError(t, os.WriteFile(filepath.Join(src, ".slipway.yaml"), []byte("pre-build:\n  - [cp, /etc/debian_version, cmd/tide/banner.txt]\n"), 0o644))
	link := filepath.Join(src, "link.txt")
	require.NoError(t, os.Symlink("README.md", link))
	out := t.TempDir()
	r := l.dagger(t, src, out, nil, "--platform", "linux/amd64")
	require.Equal(t, cli.ExitUsage, r.Code, r.Stderr)
	digestOf(t, l.dagger(t, src, out, nil, "--platform", "linux/amd64", "--allow-exec"))
	made, err := os.ReadFile(filepath.Join(src, "cmd", "tide", "banner.txt"))
	require.NoError(t, err)
	require.Regexp(t, `^12\.\d+\n$`, string(made), "the builder's Debian, not this machine's")
	require.Equal(t, " M .slipway.yaml\n M cmd/tide/banner.txt\n?? link.txt", " "+git(t, src, "status", "--porcelain"))
	target, err := os.Readlink(link)
	require.NoError(t, err)
	require.Equal(t, "README.md", target)
}

// farLab is an engine in a network of its own with nothing in its caches, reached over
// TLS at its address there. It gets modules from this machine, at the address in proxy.
func farLab(t *testing.T, l *lab) (far *lab, proxy string) {
	t.Helper()
	n := rig.NewNetwork(t)
	here, there := n.Link(t)
	_, port, err := net.SplitHostPort(l.images.Address)
	require.NoError(t, err)
	registry := net.JoinHostPort(here, port)
	args := []string{"--listen", "tcp://" + there + ":8443", "--mirror", "docker.io=" + registry, "--plain-http", registry}
	e := engines.Start(t, slipway(t), rig.EngineOptions{Name: "far", Network: n, Args: args})
	status := rig.Must(t, "", environment(t), slipway(t), "engine", "status", "--name", e.Name)
	_, address, _ := strings.Cut(status, "remote")
	address, _, _ = strings.Cut(strings.TrimSpace(address), "\n")
	require.Contains(t, address, "tls://"+there+":8443?")
	e.Env = append(e.Env, "_EXPERIMENTAL_DAGGER_RUNNER_HOST=", "SLIPWAY_ENGINE_HOST="+address)

	listener, err := net.Listen("tcp", here+":0")
	require.NoError(t, err)
	cache := rig.Must(t, "", rig.Environ(), "go", "env", "GOMODCACHE")
	server := &http.Server{Handler: http.FileServer(http.Dir(filepath.Join(cache, "cache", "download"))), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return &lab{images: l.images, engine: e}, "GOPROXY=http://" + listener.Addr().String()
}
