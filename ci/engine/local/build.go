package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"example.com/slipway/ci/cache"
	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/step"
)

const (
	// outputLimit bounds what is kept of a go command's own output, in bytes.
	outputLimit = 256 << 10
	// keepBinaries bounds the cache of built binaries, in bytes.
	keepBinaries = 2 << 30
)

// Build runs go build once for all mains of a platform. Binaries are kept under the
// target's key, because the go command links a program again each time otherwise.
func (e *Engine) Build(ctx context.Context, t engine.Target, s step.Step) (engine.Result, error) {
	store, err := e.folder("bin")
	if err != nil {
		return engine.Result{}, err
	}
	dir := filepath.Join(store, strings.TrimPrefix(t.Key, "sha256:"))
	if t.Key != "" {
		if found, ok := e.kept(dir, t); ok {
			cache.Touch(dir, time.Now())
			return engine.Result{Binaries: found, Cached: true}, nil
		}
	}
	tmp, err := os.MkdirTemp(store, ".new-*")
	if err != nil {
		return engine.Result{}, fmt.Errorf("making a folder for the binaries: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := e.compile(ctx, t, tmp, s); err != nil {
		return engine.Result{}, err
	}
	built, err := e.take(tmp, t)
	if err != nil {
		return engine.Result{}, err
	}
	if t.Key == "" {
		// The caller needs the files after this call; the trim below finds them later.
		dir = filepath.Join(store, "uncached-"+built[0].SHA256)
	}
	if err := keep(tmp, dir, built); err != nil {
		return engine.Result{}, err
	}
	cache.Trim(store, keepBinaries, time.Now())
	return engine.Result{Binaries: relocate(built, dir)}, nil
}

// compile runs go build; its own words come back in the error.
func (e *Engine) compile(ctx context.Context, t engine.Target, dir string, s step.Step) error {
	args := slices.Concat([]string{"build", "-o", dir + string(filepath.Separator)}, e.flags(t), compilerFlags(t.Build), []string{"--"}, folders(t))
	s.Log("go " + strings.Join(args, " "))
	cmd := e.goCommand(ctx, e.target(t), args...)
	out := &bounded{max: outputLimit}
	cmd.Stdout, cmd.Stderr = out, out
	err := cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, line := range lines(out.text) {
		s.Log(line)
	}
	if err != nil {
		return e.explain(ctx, t, out.text, err)
	}
	return nil
}

// compilerFlags are the contract's linker flags with the plan's own.
func compilerFlags(b plan.Build) []string {
	var words []string
	switch b.Strip {
	case "full":
		words = append(words, "-s", "-w")
	case "dwarf":
		words = append(words, "-w")
	}
	for _, v := range b.Vars {
		words = append(words, "-X", quote(v.Name+"="+v.Value))
	}
	flags := []string{"-ldflags=" + strings.Join(words, " ")}
	if b.Debug {
		flags = append(flags, "-gcflags=all=-N -l")
	}
	return flags
}

// quote writes one word as cmd/internal/quoted splits it: in either quotes and
// without escapes. ci/config has refused values that have both.
func quote(word string) string {
	switch {
	case !strings.ContainsAny(word, " \t\n\r'\""):
		return word
	case !strings.Contains(word, "'"):
		return "'" + word + "'"
	default:
		return `"` + word + `"`
	}
}

// take checks what go build wrote: every main is there and is what the target says.
func (e *Engine) take(dir string, t engine.Target) ([]engine.Binary, error) {
	var built []engine.Binary
	for _, m := range t.Mains {
		b := engine.Binary{Main: m, Platform: t.Platform, File: filepath.Join(dir, m.Name)}
		if err := check(b.File, t.Platform, e.toolchain.Release); err != nil {
			return nil, err
		}
		var err error
		if b.SHA256, b.Size, err = sum(b.File); err != nil {
			return nil, err
		}
		built = append(built, b)
	}
	return built, nil
}

// keep moves the binaries into the cache. Another run may have put the same there.
func keep(tmp, dir string, built []engine.Binary) error {
	text, err := json.Marshal(built)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(tmp, "result.json"), text, 0o644); err != nil {
		return fmt.Errorf("keeping the binaries: %w", err)
	}
	// What lies there did not pass kept, or was built again on purpose.
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("keeping the binaries: %w", err)
	}
	if err := os.Rename(tmp, dir); err != nil {
		if _, gone := os.Stat(filepath.Join(dir, "result.json")); gone == nil {
			return nil
		}
		return fmt.Errorf("keeping the binaries: %w", err)
	}
	return nil
}

// kept returns the binaries of an earlier build if they are still those bytes.
func (e *Engine) kept(dir string, t engine.Target) ([]engine.Binary, bool) {
	text, err := os.ReadFile(filepath.Join(dir, "result.json"))
	if err != nil {
		return nil, false
	}
	var built []engine.Binary
	if json.Unmarshal(text, &built) != nil || len(built) != len(t.Mains) {
		return nil, false
	}
	built = relocate(built, dir)
	for i, b := range built {
		digest, size, err := sum(b.File)
		if err != nil || digest != b.SHA256 || size != b.Size || b.Main != t.Mains[i] || b.Platform != t.Platform {
			return nil, false
		}
	}
	return built, true
}

func relocate(built []engine.Binary, dir string) []engine.Binary {
	moved := slices.Clone(built)
	for i := range moved {
		moved[i].File = filepath.Join(dir, moved[i].Main.Name)
	}
	return moved
}

func sum(name string) (string, int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", 0, fmt.Errorf("reading the binary: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return "", 0, fmt.Errorf("reading the binary: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), n, nil
}
