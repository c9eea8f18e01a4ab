package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// tool is one of the two that are compared.
type tool interface {
	// command is what a user would type to build s into the folder out.
	command(b *bench, s *service, platforms, out string) (env, args []string)
}

type slipway struct{ program string }

func (t slipway) command(b *bench, s *service, platforms, out string) (env, args []string) {
	return []string{"SLIPWAY_CACHE=" + filepath.Join(b.cache, "slipway")},
		[]string{t.program, "build", "--quiet", "--src", s.dir, "--main", s.main, "--base", b.base, "--platform", platforms, "--output", out}
}

type ko struct{ program string }

func (t ko) command(b *bench, s *service, platforms, out string) (env, args []string) {
	registry, _, _ := strings.Cut(b.base, "/")
	env = []string{
		"KO_DOCKER_REPO=" + registry + "/ko", "KO_DEFAULTBASEIMAGE=" + b.base, "KOCACHE=" + filepath.Join(b.cache, "kocache"),
		"GOCACHE=" + filepath.Join(b.cache, "go-build"), "GOFLAGS=-buildvcs=false",
	}
	return env, []string{t.program, "build", "--push=false", "--sbom=none", "--ldflags=-s -w", "--platform=" + platforms, "--oci-layout-path=" + out, s.main}
}

// compile makes both programs with the Go that is here. ko's version is in the name
// of its folder: another version is another program.
func (b *bench) compile(ctx context.Context) (ours, theirs string, err error) {
	ours = filepath.Join(b.temp, "slipway")
	if _, err := b.output(ctx, ".", nil, "go", "build", "-o", ours, "./ci"); err != nil {
		return "", "", err
	}
	const module, pkg = "tools/ko", "github.com/google/ko"
	version, err := b.output(ctx, module, nil, "go", "list", "-m", "-f", "{{.Version}}", pkg)
	if err != nil {
		return "", "", err
	}
	theirs = filepath.Join(b.cache, "ko-"+version, "ko")
	if _, err := os.Stat(theirs); err == nil {
		return ours, theirs, nil
	}
	fmt.Fprintf(b.stderr, "compiling ko %s once\n", version)
	// go build writes its output in one step, at the end.
	_, err = b.output(ctx, module, nil, "go", "build", "-o", theirs, pkg)
	return ours, theirs, err
}

// release is the Go release that Slipway's plan names; ko is given the same.
func (b *bench) release(ctx context.Context, program string, s *service) (string, error) {
	text, err := b.output(ctx, ".", nil, program, "plan", "--json", "--src", s.dir, "--main", s.main)
	if err != nil {
		return "", err
	}
	var plan struct {
		Image struct{ Toolchain string }
	}
	if err := json.Unmarshal([]byte(text), &plan); err != nil {
		return "", fmt.Errorf("reading the plan of %s: %w", s.name, err)
	}
	return plan.Image.Toolchain, nil
}

// conditions puts the pinned release first on PATH, where neither tool's go command
// has to switch to it.
func (b *bench) conditions(ctx context.Context, s *service) ([]string, error) {
	root, err := b.output(ctx, b.temp, []string{"GOTOOLCHAIN=" + s.release}, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(root, "bin")
	for _, kv := range b.env {
		if rest, ok := strings.CutPrefix(kv, "PATH="); ok {
			path += string(os.PathListSeparator) + rest
		}
	}
	return []string{"PATH=" + path, "GOTOOLCHAIN=local"}, nil
}

// output runs a program that is not measured and returns what it printed.
func (b *bench) output(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, slices.Concat(b.env, env), &stderr
	text, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("running %s %s: %w: %s", name, strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return strings.TrimSpace(string(text)), nil
}
