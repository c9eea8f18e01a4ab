package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// slipway is Slipway with the local engine, as a user has it after go build.
type slipway struct {
	b       *bench
	program string
	commit  string
	// toolchain is the folder of the Go release in the module cache.
	toolchain string
	// compiled and caches are archives for jobs, with Slipway itself and with what compiling
	// it needs; they are made when one asks.
	compiled, caches string
}

func (b *bench) newSlipway(ctx context.Context) (tool, error) {
	t, err := b.compiled(ctx)
	if err != nil {
		return nil, err
	}
	// The release lies where slipway looks for it, as a module that the go command has
	// verified. A fresh machine has that and nothing else.
	module := "golang.org/toolchain@v0.0.1-go" + b.release() + ".linux-amd64"
	t.toolchain = filepath.FromSlash(module)
	_, err = b.output(ctx, b.temp, t.modules(), "go", "mod", "download", module)
	return t, err
}

// compiled is Slipway compiled by the Go that is here.
func (b *bench) compiled(ctx context.Context) (*slipway, error) {
	t := &slipway{b: b, program: filepath.Join(b.temp, "slipway")}
	if _, err := os.Stat(t.program); err != nil {
		if _, err := b.output(ctx, b.root, nil, "go", "build", "-o", t.program, "./ci"); err != nil {
			return nil, err
		}
	}
	var err error
	t.commit, err = b.measured(ctx)
	return t, err
}

func (t *slipway) name() string      { return slipwayLocal }
func (t *slipway) version() string   { return t.commit }
func (t *slipway) stop() error       { return nil }
func (t *slipway) cache() string     { return t.b.home(slipwayLocal, "cache") }
func (t *slipway) modules() []string { return []string{"GOMODCACHE=" + t.b.home(slipwayLocal, "mod")} }
func (t *slipway) reference(s *service) string {
	return t.b.net.shared.address + "/slipway/" + s.name + "-cache"
}

// clear leaves the Go release, and that it was found to be right.
func (t *slipway) clear(context.Context) error {
	if err := forget(t.cache(), "toolchains"); err != nil {
		return err
	}
	return forget(t.b.home(slipwayLocal, "mod"), filepath.ToSlash(t.toolchain), "cache/download/golang.org/toolchain", "cache/download/sumdb")
}

// save builds again from what is compiled already: what counts is what a build uses, so
// only its result is taken away before.
func (t *slipway) save(ctx context.Context, j job) error {
	if err := forget(t.cache(), "toolchains", "go-build"); err != nil {
		return err
	}
	j.save = true
	return t.b.do(ctx, j.src, t.build(j))
}

func (t *slipway) build(j job) [][]command {
	c := command{own: true, args: t.arguments(j, "local"), env: append(t.modules(), "GOPROXY="+t.b.net.proxy, "SLIPWAY_CACHE="+t.cache())}
	if j.restore {
		c.args = append(c.args, "--cache-from", t.reference(j.service))
	}
	if j.save {
		c.args = append(c.args, "--cache-to", t.reference(j.service))
	}
	return [][]command{alone(c)}
}

// arguments are those of both engines.
func (t *slipway) arguments(j job, engine string) []string {
	args := []string{cmp.Or(j.program, t.program), "build", "--quiet", "--engine", engine, "--src", j.src, "--main", j.service.main, "--platform", j.platforms, "--output", j.out}
	if j.push {
		args[1] = "publish"
		args = append(args, "--gate", "image", "--budget", "100MB", "--image-tag", "latest", "--target", t.b.net.pushed.address+"/"+engine)
	}
	return append(args, t.b.net.mirrors()...)
}

// sum is how the action knows Slipway by its sources.
const sum = `find ci go.mod go.sum -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum`

// first is what a job does before it uses Slipway: it clones it, and takes along what an
// earlier job compiled: Slipway, or what the go command can compile it from.
func (t *slipway) first(ctx context.Context, dir string, compile bool) ([][]command, string, error) {
	if err := t.pack(ctx); err != nil {
		return nil, "", err
	}
	tree, caches := filepath.Join(dir, "slipway"), filepath.Join(dir, "caches")
	cloned := alone(command{args: []string{"git", "clone", "--quiet", "--no-local", "--depth=1", "file://" + t.origin(), tree}})
	if !compile {
		return [][]command{cloned, alone(command{args: []string{"env", "-C", tree, "sh", "-c", sum}}), unpack(t.compiled, caches)}, filepath.Join(caches, "slipway"), nil
	}
	program := filepath.Join(dir, "slipway-program")
	return [][]command{
		cloned,
		unpack(t.caches, caches),
		alone(command{args: []string{t.b.gocmd, "-C", tree, "build", "-o", program, "./ci"}, env: []string{
			"GOCACHE=" + filepath.Join(caches, "go-build"), "GOMODCACHE=" + filepath.Join(caches, "mod"), "GOPROXY=off", "GOFLAGS=-buildvcs=false",
		}}),
	}, program, nil
}

// origin is a repository with this tree as it is here.
func (t *slipway) origin() string { return t.b.home("origin") }

// pack compiles Slipway once from nothing and packs it and the go command's caches.
func (t *slipway) pack(ctx context.Context) error {
	if t.caches != "" {
		return nil
	}
	b := t.b
	b.say("compiling Slipway from nothing")
	// A tree of a worktree or with changes is committed as a repository of its own.
	names, err := b.output(ctx, b.root, nil, "git", "ls-files", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return err
	}
	here := slices.DeleteFunc(strings.Split(names, "\n"), func(name string) bool { return !exists(filepath.Join(b.root, name)) })
	if err := copyAll(t.origin(), b.root, here...); err != nil {
		return err
	}
	if err := b.commit(ctx, t.origin()); err != nil {
		return err
	}
	dir := b.home("compiling")
	err = b.do(ctx, t.origin(), [][]command{alone(command{
		args: []string{b.gocmd, "build", "-o", filepath.Join(dir, "slipway"), "./ci"},
		env:  []string{"GOCACHE=" + filepath.Join(dir, "go-build"), "GOMODCACHE=" + filepath.Join(dir, "mod"), "GOPROXY=" + b.net.proxy, "GOFLAGS=-buildvcs=false"},
	})})
	if err != nil {
		return fmt.Errorf("compiling Slipway from nothing: %w", err)
	}
	t.compiled, t.caches = b.home("slipway.tar.zst"), b.home("slipway-caches.tar.zst")
	return b.do(ctx, dir, [][]command{pack(dir, t.compiled, "slipway"), pack(dir, t.caches, "go-build", "mod")})
}

// pack and unpack are what actions/cache does.
func pack(dir, archive string, names ...string) []command {
	return alone(command{args: append([]string{"tar", "--use-compress-program=zstd -T0", "-cf", archive, "-C", dir}, names...)})
}

func unpack(archive, dir string) []command {
	return alone(command{args: []string{"tar", "--use-compress-program=unzstd", "-xf", archive, "--one-top-level=" + dir}})
}
