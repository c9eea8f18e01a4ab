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

	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/pins"
)

// edited is the file of a package in which one line changes.
const edited = "slipway_bench.go"

// service is a program to build, in a git repository of its own.
type service struct {
	name string
	// dir is the source folder, main the folder of package main below it, or all.
	dir, main string
	// origin is its module in the module proxy, or empty for what is of this repository.
	origin string
	// bump is the dependency whose version changes, as go get takes it.
	bump string
	// files are those of this repository that are the service.
	files []string
	// edits counts the changes, so that no line is ever the same again.
	edits int
	// mods are go.mod and go.sum, as they are and with the other version.
	mods [2][2][]byte
}

// known are the services: a small, a medium and a heavy one, and many in one module.
func known(name string) (*service, error) {
	for _, s := range []*service{
		{name: "sample", main: "./cmd/server", files: []string{"go.mod", "go.sum", ".dockerignore", "cmd/server", "internal/server"}, bump: "golang.org/x/term@v0.46.0"},
		{name: "task", main: "./cmd/task", origin: "github.com/go-task/task/v3@v3.44.0", bump: "github.com/spf13/pflag@v1.0.9"},
		{name: "caddy", main: "./cmd/caddy", origin: "github.com/caddyserver/caddy/v2@v2.10.0", bump: "github.com/klauspost/compress@v1.18.4"},
		{name: "monorepo", main: "all"},
	} {
		if s.name == name {
			return s, nil
		}
	}
	return nil, fmt.Errorf("there is no service %q", name)
}

func (s *service) monorepo() bool { return s.main == "all" }

// service makes the source folder, with a module cache that has all it may need.
func (b *bench) service(ctx context.Context, name string) (*service, error) {
	s, err := known(name)
	if err != nil {
		return nil, err
	}
	s.dir = filepath.Join(b.temp, "src", name)
	switch {
	case s.monorepo():
		err = writeAll(s.dir, rig.Monorepo())
	case s.origin != "":
		var dir string
		if dir, err = b.download(ctx, s.origin); err == nil {
			err = copyAll(s.dir, dir, ".")
		}
	default:
		err = copyAll(s.dir, b.root, s.files...)
	}
	if err == nil {
		err = b.declare(s)
	}
	if err == nil {
		err = b.versions(ctx, s)
	}
	if err == nil {
		err = s.change(saved)
	}
	if err == nil {
		err = b.commit(ctx, s.dir)
	}
	return s, err
}

// commit makes a repository of a folder where it is none, and commits what changed.
func (b *bench) commit(ctx context.Context, dir string) error {
	for _, args := range [][]string{{"init", "--quiet"}, {"add", "--all"}} {
		if _, err := b.output(ctx, dir, nil, "git", args...); err != nil {
			return err
		}
	}
	changed, err := b.output(ctx, dir, nil, "git", "status", "--porcelain")
	if err != nil || changed == "" {
		return err
	}
	_, err = b.output(ctx, dir, nil, "git", "-c", "user.name=bench", "-c", "user.email=bench@example.com", "commit", "--quiet", "--message=bench")
	return err
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

// declare gives the service the Dockerfile of a Slipway service where it has none of its
// own, and puts into it the pins of the stand-ins and the module proxy. None of it is in
// the sources of a build.
func (b *bench) declare(s *service) error {
	images, from := b.net.images, filepath.Join(b.root, "Dockerfile")
	if s.origin != "" {
		from = filepath.Join(b.root, "ci", "pins", "Dockerfile")
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if s.monorepo() {
		text = []byte(monorepoDockerfile(images.Builder.String(), images.Base.String()))
	}
	declared, err := pins.Read(b.root)
	if err != nil {
		return err
	}
	changed := strings.NewReplacer(
		declared.Builder.String(), images.Builder.String(), declared.Base.String(), images.Base.String(),
		"WORKDIR /src\n", "WORKDIR /src\nENV GOPROXY="+b.net.proxy+"\n",
	).Replace(string(text))
	// A git that was asked for its status writes .git/index, and BuildKit would copy it.
	ignored := filepath.Join(s.dir, ".dockerignore")
	if !exists(ignored) {
		err = os.WriteFile(ignored, []byte(".git\n"), 0o644)
	}
	return errors.Join(err, os.WriteFile(filepath.Join(s.dir, "Dockerfile"), []byte(changed), 0o644))
}

// versions reads go.mod and go.sum, and what becomes of them with another version of one
// dependency. All modules of both are then in the module cache.
func (b *bench) versions(ctx context.Context, s *service) error {
	for i := range s.mods {
		if i == 1 && s.bump != "" {
			if _, err := b.output(ctx, s.dir, nil, "go", "get", s.bump); err != nil {
				return err
			}
		}
		if _, err := b.output(ctx, s.dir, nil, "go", "mod", "download"); err != nil {
			return err
		}
		for k, name := range []string{"go.mod", "go.sum"} {
			text, err := os.ReadFile(filepath.Join(s.dir, name))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			s.mods[i][k] = text
		}
	}
	return nil
}

// change changes the service. What the program can print reaches the binary.
func (s *service) change(c change) error {
	mods := s.mods[0]
	switch c {
	case nothing:
		return nil
	case saved:
		return errors.Join(s.write(mods), s.edit(s.program(), "main", 0))
	case module:
		return errors.Join(s.write(s.mods[1]), s.edit(s.program(), "main", 0))
	case shared:
		s.edits++
		return s.edit("internal/all", "all", s.edits)
	}
	s.edits++
	return errors.Join(s.write(mods), s.edit(s.program(), "main", s.edits))
}

func (s *service) write(mods [2][]byte) error {
	var err error
	for k, name := range []string{"go.mod", "go.sum"} {
		if mods[k] != nil {
			err = errors.Join(err, os.WriteFile(filepath.Join(s.dir, name), mods[k], 0o644))
		}
	}
	return err
}

// program is the folder of the package main in which lines change.
func (s *service) program() string {
	if s.monorepo() {
		return "cmd/" + rig.Ship(7)
	}
	return s.main
}

// edit changes one line of a package.
func (s *service) edit(dir, pkg string, n int) error {
	text := strings.Join([]string{
		"package " + pkg, "", `import "os"`, "", fmt.Sprintf("const slipwayBench = %q", fmt.Sprintf("edit %d", n)), "",
		"func init() {", "\tif len(os.Args) > 10000 {", "\t\tprintln(slipwayBench)", "\t}", "}", "",
	}, "\n")
	if err := os.WriteFile(filepath.Join(s.dir, filepath.FromSlash(dir), edited), []byte(text), 0o644); err != nil {
		return fmt.Errorf("changing a line of %s: %w", s.name, err)
	}
	return nil
}
