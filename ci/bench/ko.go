package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ko is the nearest tool: it builds Go programs into images without a Dockerfile.
type ko struct {
	program string
	// base is the seeded base: its name in the registry with its digest.
	base         string
	stopRegistry func()
}

// newKo compiles ko with the Go that is here, and seeds a registry. ko's version is in
// the name of its folder: another version is another program.
func newKo(ctx context.Context, b *bench) (*ko, error) {
	const module, pkg = "tools/ko", "github.com/google/ko"
	version, err := b.output(ctx, module, nil, "go", "list", "-m", "-f", "{{.Version}}", pkg)
	if err != nil {
		return nil, err
	}
	t := &ko{program: filepath.Join(b.cache, "ko-"+version, "ko")}
	if _, err := os.Stat(t.program); err != nil {
		fmt.Fprintf(b.stderr, "compiling ko %s once\n", version)
		// go build writes its output in one step, at the end.
		if _, err = b.output(ctx, module, nil, "go", "build", "-o", t.program, pkg); err != nil {
			return nil, err
		}
	}
	t.base, t.stopRegistry, err = seed(ctx)
	return t, err
}

func (t *ko) name() string           { return "ko" }
func (t *ko) images() []string       { return []string{"--base", t.base} }
func (t *ko) prepare(*service) error { return nil }

func (t *ko) stop() error {
	t.stopRegistry()
	return nil
}

func (t *ko) command(b *bench, s *service, platforms, out string) (env, args []string) {
	registry, _, _ := strings.Cut(t.base, "/")
	env = []string{
		"KO_DOCKER_REPO=" + registry + "/ko", "KO_DEFAULTBASEIMAGE=" + t.base, "KOCACHE=" + filepath.Join(b.cache, "kocache"),
		"GOCACHE=" + filepath.Join(b.cache, "go-build"), "GOFLAGS=-buildvcs=false",
	}
	return env, []string{t.program, "build", "--push=false", "--sbom=none", "--ldflags=-s -w", "--platform=" + platforms, "--oci-layout-path=" + out, s.main}
}
