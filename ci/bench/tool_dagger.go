package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// daggerEngine is an engine that slipway engine up started, for two of the tools.
type daggerEngine struct {
	b       *bench
	slipway string
	name    string
	// cache is where slipway keeps it, env what clients need to find it beside that.
	cache, env []string
	dagger     string
	// proxy is the module proxy as its containers reach it.
	proxy string
}

// startEngine starts the engine where it does not run yet.
func (b *bench) startEngine(ctx context.Context) error {
	if b.engine != nil {
		return nil
	}
	t, err := b.compiled(ctx)
	if err != nil {
		return err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	// The folder of the end-to-end tests: compiling an engine takes minutes.
	e := &daggerEngine{b: b, slipway: t.program, name: fmt.Sprintf("bench-%d", os.Getpid()), cache: []string{"SLIPWAY_CACHE=" + filepath.Join(cache, "slipway-e2e")}}
	b.engine = e
	return e.start(ctx)
}

// start starts the engine, which has nothing yet, and gives it the builder: it is to an
// engine what an installed Go release is to the others.
func (e *daggerEngine) start(ctx context.Context) error {
	shared, pushed := e.b.net.shared.address, e.b.net.pushed.address
	_, err := e.b.output(ctx, e.b.root, e.cache, e.slipway, "engine", "up", "--name", e.name,
		"--mirror", "docker.io="+shared, "--mirror", "gcr.io="+shared, "--plain-http", shared, "--plain-http", pushed)
	if err != nil {
		return err
	}
	if err := e.find(ctx); err != nil {
		return err
	}
	file := filepath.Join(e.b.temp, "query.graphql")
	query := `{container{from(address:"` + e.b.net.images.Builder.String() + `"){withExec(args:["true"]){sync}}}}`
	if err := os.WriteFile(file, []byte(query), 0o644); err != nil {
		return err
	}
	_, err = e.b.output(ctx, e.b.temp, e.env, e.dagger, "query", "--doc", file, "--silent")
	return err
}

// find asks for what clients need, as a user does.
func (e *daggerEngine) find(ctx context.Context) error {
	// The script is constant; what varies reaches it as arguments.
	text, err := e.b.output(ctx, e.b.root, e.cache, "sh", "-c", `variables=$("$0" engine env --name "$1") && eval "$variables" && env -0`, e.slipway, e.name)
	if err != nil {
		return err
	}
	status, err := e.b.output(ctx, e.b.root, e.cache, e.slipway, "engine", "status", "--name", e.name)
	if err != nil {
		return err
	}
	var found []string
	for _, kv := range strings.Split(strings.Trim(text, "\x00"), "\x00") {
		name, value, _ := strings.Cut(kv, "=")
		if strings.Contains(name, "DAGGER_") || name == "DO_NOT_TRACK" {
			found = append(found, kv)
		}
		if name == "_EXPERIMENTAL_DAGGER_CLI_BIN" {
			e.dagger = value
		}
	}
	e.env = found
	for line := range strings.Lines(status) {
		if word, value, _ := strings.Cut(strings.TrimSpace(line), " "); word == "network" {
			e.proxy, err = e.b.net.serveModules(ctx, value[strings.LastIndexByte(value, ' ')+1:])
		}
	}
	return err
}

// clear makes it an engine that has never run anything. Its own prune is not used: v0.21.8
// hung in it.
func (e *daggerEngine) clear(ctx context.Context) error {
	if err := e.stop(); err != nil {
		return err
	}
	return e.start(ctx)
}

func (e *daggerEngine) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	_, err := e.b.output(ctx, e.b.root, e.cache, e.slipway, "engine", "down", "--name", e.name, "--prune")
	return err
}

// onDagger is Slipway with a Dagger engine.
type onDagger struct {
	*slipway
}

func (b *bench) newSlipwayDagger(ctx context.Context) (tool, error) {
	t, err := b.compiled(ctx)
	if err != nil {
		return nil, err
	}
	return &onDagger{t}, b.startEngine(ctx)
}

func (t *onDagger) name() string  { return slipwayDagger }
func (t *onDagger) cache() string { return t.b.home(slipwayDagger) }

func (t *onDagger) clear(ctx context.Context) error {
	if err := forget(t.cache()); err != nil {
		return err
	}
	return t.b.engine.clear(ctx)
}

// save builds from nothing: what an engine has built it does not build again.
func (t *onDagger) save(ctx context.Context, j job) error {
	if err := t.clear(ctx); err != nil {
		return err
	}
	j.save = true
	return t.b.do(ctx, j.src, t.build(j))
}

func (t *onDagger) build(j job) [][]command {
	c := command{own: true, args: t.arguments(j, "dagger"), env: slices.Concat(t.b.engine.env, []string{"GOPROXY=" + t.b.engine.proxy, "SLIPWAY_CACHE=" + t.cache()})}
	if j.restore {
		c.args = append(c.args, "--cache-from", t.reference(j.service)+"-dagger")
	}
	if j.save {
		c.args = append(c.args, "--cache-to", t.reference(j.service)+"-dagger")
	}
	return [][]command{alone(c)}
}
