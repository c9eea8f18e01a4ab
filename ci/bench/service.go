package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// caddy is the larger service, as the module proxy has it.
const caddy = "github.com/caddyserver/caddy/v2@v2.10.0"

// edited is the file of the main package in which one line changes.
const edited = "slipway_bench.go"

// service is a program to build, in a git repository of its own.
type service struct {
	name string
	// dir is the source folder, main the folder of package main below it.
	dir, main string
	// release is the Go release that builds it.
	release string
	// edits counts the changes, so that no line is ever the same again.
	edits int
	// seed sets this run's lines apart from those of an earlier run of bench, whose
	// builds are still in the caches.
	seed string
}

func (b *bench) service(ctx context.Context, name string, beside rival) (*service, error) {
	s := &service{name: name, dir: filepath.Join(b.temp, "src", name), seed: filepath.Base(b.temp)}
	var err error
	switch name {
	case "sample":
		s.main = "./cmd/server"
		err = copyAll(s.dir, ".", "go.mod", "go.sum", "Dockerfile", ".dockerignore", "cmd/server", "internal/server")
	case "caddy":
		s.main = "./cmd/caddy"
		var dir string
		if dir, err = b.download(ctx, caddy); err == nil {
			err = copyAll(s.dir, dir, ".")
		}
	default:
		err = fmt.Errorf("there is no service %q: sample and caddy are known", name)
	}
	if err != nil {
		return nil, err
	}
	if err := errors.Join(beside.prepare(s), s.edit()); err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"init", "--quiet"}, {"add", "--all"},
		{"-c", "user.name=bench", "-c", "user.email=bench@example.com", "commit", "--quiet", "--message=bench"},
	} {
		if _, err := b.output(ctx, s.dir, nil, "git", args...); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// download returns the folder of a module in the module cache.
func (b *bench) download(ctx context.Context, module string) (string, error) {
	text, err := b.output(ctx, b.temp, nil, "go", "mod", "download", "-json", module)
	if err != nil {
		return "", err
	}
	var m struct{ Dir string }
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return "", fmt.Errorf("reading where %s lies: %w", module, err)
	}
	return m.Dir, nil
}

// copyAll copies files and folders; the module cache's are read-only, these are not.
func copyAll(to, from string, names ...string) error {
	for _, name := range names {
		err := filepath.WalkDir(filepath.Join(from, name), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(from, path)
			if err != nil {
				return err
			}
			target := filepath.Join(to, rel)
			if d.IsDir() {
				return os.MkdirAll(target, 0o755)
			}
			if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(target, text, 0o644)
		})
		if err != nil {
			return fmt.Errorf("copying %s: %w", name, err)
		}
	}
	return nil
}

// edit changes one line. The program can print it, so that it reaches the binary.
func (s *service) edit() error {
	s.edits++
	line := fmt.Sprintf("const slipwayBench = %q", fmt.Sprintf("%s %d", s.seed, s.edits))
	text := strings.Join([]string{
		"package main", "", `import "os"`, "", line, "",
		"func init() {", "\tif len(os.Args) > 10000 {", "\t\tprintln(slipwayBench)", "\t}", "}", "",
	}, "\n")
	if err := os.WriteFile(filepath.Join(s.dir, filepath.FromSlash(s.main), edited), []byte(text), 0o644); err != nil {
		return fmt.Errorf("changing a line of %s: %w", s.name, err)
	}
	return nil
}
