package main

import (
	"context"
	"os"
	"path/filepath"

	"example.com/slipway/ci/e2e/rig"
)

// ko is the nearest tool: it builds Go programs into images without a Dockerfile. It
// does as little as Slipway does: no VCS stamping, and with KOCACHE, so that it keeps
// what it can.
type ko struct {
	b       *bench
	program string
}

func (b *bench) newKo(ctx context.Context) (tool, error) {
	program, err := rig.KeptTool(ctx, "ko")
	return &ko{b: b, program: program}, err
}

func (t *ko) name() string                { return koTool }
func (t *ko) version() string             { return versionIn(filepath.Dir(t.program)) }
func (t *ko) clear(context.Context) error { return forget(t.dir()) }
func (t *ko) stop() error                 { return nil }
func (t *ko) dir() string                 { return t.b.home(koTool) }
func (t *ko) archive(s *service) string   { return t.b.home("ko-" + s.name + ".tar.zst") }

func (t *ko) save(ctx context.Context, j job) error {
	if err := t.b.do(ctx, j.src, t.build(j)); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(t.dir(), "mod"), 0o755); err != nil {
		return err
	}
	return t.b.do(ctx, t.dir(), [][]command{pack(t.dir(), t.archive(j.service), "go-build", "mod")})
}

func (t *ko) build(j job) [][]command {
	images, registry := t.b.net.images, t.b.net.shared.address
	base := registry + "/" + "distroless/static-debian13@" + images.Base.Digest
	env := []string{
		"KO_DEFAULTBASEIMAGE=" + base, "KO_DOCKER_REPO=" + t.b.net.pushed.address + "/ko", "KOCACHE=" + filepath.Join(t.dir(), "kocache"),
		"GOCACHE=" + filepath.Join(t.dir(), "go-build"), "GOMODCACHE=" + filepath.Join(t.dir(), "mod"), "GOPROXY=" + t.b.net.proxy, "GOFLAGS=-buildvcs=false",
	}
	pkgs := []string{j.service.main}
	if j.service.monorepo() {
		pkgs = nil // it takes no pattern
		for i := range rig.Ships {
			pkgs = append(pkgs, "./cmd/"+rig.Ship(i))
		}
	}
	args := []string{t.program, "build", "--ldflags=-s -w", "--platform=" + j.platforms}
	if j.push {
		args = append(args, "--bare")
	} else {
		args = append(args, "--push=false", "--sbom=none", "--oci-layout-path="+j.out)
	}
	var steps [][]command
	if j.restore {
		steps = append(steps, unpack(t.archive(j.service), t.dir()))
	}
	steps = append(steps, alone(command{args: append(args, pkgs...), env: env}))
	if j.save {
		steps = append(steps, pack(t.dir(), filepath.Join(j.out, "caches.tar.zst"), "go-build", "mod"))
	}
	return steps
}

// versionIn is the version of the folder in which a compiled tool is kept.
func versionIn(dir string) string {
	name := filepath.Base(dir)
	for i := range name {
		if name[i] == '-' {
			return name[i+1:]
		}
	}
	return name
}
