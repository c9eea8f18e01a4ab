package gocmd

import (
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
)

// keepBinaries bounds the cache of built binaries, in bytes.
const keepBinaries = 2 << 30

// Store keeps built binaries under the keys of their targets, because the go command
// links a program again each time otherwise.
type Store struct {
	// Dir is the folder of the store; it is made where it is missing.
	Dir string
	// Release is what every binary must have been built by.
	Release string
}

// Build returns what is kept for a target, or what compile writes into a folder of
// its own, checked: every main is there and is what the target says.
func (s Store) Build(t engine.Target, compile func(dir string) error) (engine.Result, error) {
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return engine.Result{}, fmt.Errorf("making the folder for binaries: %w", err)
	}
	dir := filepath.Join(s.Dir, strings.TrimPrefix(t.Key, "sha256:"))
	if t.Key != "" {
		if found, ok := kept(dir, t); ok {
			cache.Touch(dir, time.Now())
			return engine.Result{Binaries: found, Cached: true}, nil
		}
	}
	tmp, err := os.MkdirTemp(s.Dir, ".new-*")
	if err != nil {
		return engine.Result{}, fmt.Errorf("making a folder for the binaries: %w", err)
	}
	defer os.RemoveAll(tmp)
	if err := compile(tmp); err != nil {
		return engine.Result{}, err
	}
	built, err := s.take(tmp, t)
	if err != nil {
		return engine.Result{}, err
	}
	if t.Key == "" {
		// The caller needs the files after this call; the trim below finds them later.
		dir = filepath.Join(s.Dir, "uncached-"+built[0].SHA256)
	}
	if err := keep(tmp, dir, built); err != nil {
		return engine.Result{}, err
	}
	cache.Trim(s.Dir, keepBinaries, time.Now())
	return engine.Result{Binaries: relocate(built, dir)}, nil
}

// take checks what go build wrote: every main is there and is what the target says.
func (s Store) take(dir string, t engine.Target) ([]engine.Binary, error) {
	var built []engine.Binary
	for _, m := range t.Mains {
		b := engine.Binary{Main: m, Platform: t.Platform, File: filepath.Join(dir, m.Name)}
		if err := check(b.File, t.Platform, s.Release); err != nil {
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

// entry is a binary as a store keeps it.
type entry struct {
	engine.Binary
	// Modified is when the file was written. One that still has this time and its size is
	// not read again: of a hundred programs one is built, and who packs one checks its bytes.
	Modified time.Time
}

// keep moves the binaries into the cache. Another run may have put the same there.
func keep(tmp, dir string, built []engine.Binary) error {
	entries := make([]entry, len(built))
	for i, b := range built {
		info, err := os.Stat(b.File)
		if err != nil {
			return fmt.Errorf("keeping the binaries: %w", err)
		}
		entries[i] = entry{b, info.ModTime()}
	}
	text, err := json.Marshal(entries)
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
func kept(dir string, t engine.Target) ([]engine.Binary, bool) {
	text, err := os.ReadFile(filepath.Join(dir, "result.json"))
	if err != nil {
		return nil, false
	}
	var entries []entry
	if json.Unmarshal(text, &entries) != nil || len(entries) != len(t.Mains) {
		return nil, false
	}
	var built []engine.Binary
	for i, e := range entries {
		e.File = filepath.Join(dir, t.Mains[i].Name)
		if e.Main != t.Mains[i] || e.Platform != t.Platform || !e.whole() {
			return nil, false
		}
		built = append(built, e.Binary)
	}
	return built, true
}

// whole tells whether the file has the bytes that were kept.
func (e entry) whole() bool {
	info, err := os.Stat(e.File)
	if err != nil || info.Size() != e.Size {
		return false
	}
	if info.ModTime().Equal(e.Modified) {
		return true
	}
	digest, _, err := sum(e.File)
	return err == nil && digest == e.SHA256
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
