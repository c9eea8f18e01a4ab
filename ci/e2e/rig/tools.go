package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// Tool is a stock program that users have beside Slipway, at the version that the tool
// module tools/NAME pins. Where no earlier run built it, that takes minutes.
func Tool(t *testing.T, name string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 25*time.Minute)
	defer cancel()
	program, err := KeptTool(ctx, name)
	Need(t, err == nil, "building %s: %v", name, err)
	return program
}

// KeptTool is Tool outside of tests. The program is compiled once per machine and
// version, and is replaced by no other.
func KeptTool(ctx context.Context, name string) (string, error) {
	module, err := toolModule(ctx, name)
	if err != nil {
		return "", err
	}
	// A tool module says in its go.mod which program it is for.
	text, err := goOutput(ctx, module, "list", "-f", "{{.ImportPath}} {{.Module.Version}}", "tool")
	if err != nil {
		return "", err
	}
	pkg, version, found := strings.Cut(text, " ")
	if !found || strings.Contains(version, "\n") {
		return "", fmt.Errorf("reading what tools/%s is for: %q is not one program", name, text)
	}
	return kept(filepath.Join(name+"-"+version, name), func(half string) error {
		_, err := goOutput(ctx, module, "build", "-o", half, pkg)
		return err
	})
}

// kept returns the place of stock programs, a file or a folder, which are made where no
// earlier run did.
func kept(name string, build func(half string) error) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	place := filepath.Join(cache, "slipway-e2e", "tools", name)
	if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
		return "", err
	}
	unlock, err := lockedfile.MutexAt(place + ".lock").Lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(place); err == nil {
		return place, nil
	}
	half := place + ".new"
	if err := build(half); err != nil {
		return "", errors.Join(err, os.RemoveAll(half))
	}
	return place, os.Rename(half, place)
}
