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

// rival is the tool that Slipway is compared with.
type rival interface {
	tool
	// name is what it is called in the table.
	name() string
	// images are the arguments that give Slipway the images that it has itself.
	images() []string
	// prepare readies the source folder of a service.
	prepare(s *service) error
	// stop ends what it has started.
	stop() error
}

type slipway struct {
	program string
	// more are the arguments for the images, and those of the user.
	more []string
}

func (t slipway) command(b *bench, s *service, platforms, out string) (env, args []string) {
	args = []string{t.program, "build", "--quiet", "--src", s.dir, "--main", s.main, "--platform", platforms, "--output", out}
	return []string{"SLIPWAY_CACHE=" + filepath.Join(b.cache, "slipway")}, append(args, t.more...)
}

// compile makes Slipway with the Go that is here.
func (b *bench) compile(ctx context.Context) (string, error) {
	program := filepath.Join(b.temp, "slipway")
	_, err := b.output(ctx, ".", nil, "go", "build", "-o", program, "./ci")
	return program, err
}

// rival starts the tool of that name.
func (b *bench) rival(ctx context.Context, name, listen string) (rival, error) {
	switch name {
	case "ko":
		return newKo(ctx, b)
	case "buildkit":
		return newBuildKit(ctx, listen)
	}
	return nil, fmt.Errorf("there is no tool %q to compare with: ko and buildkit are known", name)
}

// release is the Go release that Slipway's plan names; a rival is given the same.
func (b *bench) release(ctx context.Context, program string, s *service) (string, error) {
	text, err := b.output(ctx, ".", nil, program, "plan", "--json", "--src", s.dir, "--main", s.main)
	if err != nil {
		return "", err
	}
	var plan struct {
		Images []struct{ Toolchain string }
	}
	if err := json.Unmarshal([]byte(text), &plan); err != nil {
		return "", fmt.Errorf("reading the plan of %s: %w", s.name, err)
	}
	if len(plan.Images) != 1 {
		return "", fmt.Errorf("the plan of %s has %d images", s.name, len(plan.Images))
	}
	return plan.Images[0].Toolchain, nil
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
