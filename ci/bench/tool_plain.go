package main

import (
	"context"
	"path/filepath"
)

// plain is a program on Dagger's SDK, without Slipway: ci/bench/plain.
type plain struct {
	b       *bench
	program string
	sdk     string
}

func (b *bench) newPlain(ctx context.Context) (tool, error) {
	t := &plain{b: b, program: filepath.Join(b.temp, "plain")}
	dir := filepath.Join(b.root, "ci", "bench", "plain")
	var err error
	if t.sdk, err = b.output(ctx, dir, nil, "go", "list", "-m", "-f", "{{.Version}}", "dagger.io/dagger"); err != nil {
		return nil, err
	}
	if _, err := b.output(ctx, dir, nil, "go", "build", "-o", t.program, "."); err != nil {
		return nil, err
	}
	return t, b.startEngine(ctx)
}

func (t *plain) name() string    { return plainTool }
func (t *plain) version() string { return t.sdk }
func (t *plain) stop() error     { return nil }

func (t *plain) clear(ctx context.Context) error { return t.b.engine.clear(ctx) }

func (t *plain) save(context.Context, job) error { return nil }

func (t *plain) build(j job) [][]command {
	args := []string{
		t.program, "-src", j.src, "-main", j.service.main, "-platform", j.platforms, "-proxy", t.b.engine.proxy,
		"-builder", t.b.net.images.Builder.String(), "-base", t.b.net.images.Base.String(),
	}
	if j.push {
		args = append(args, "-publish", t.b.net.pushed.address+"/plain:latest")
	} else {
		args = append(args, "-export", filepath.Join(j.out, "image.tar"))
	}
	return [][]command{alone(command{args: args, env: t.b.engine.env})}
}
