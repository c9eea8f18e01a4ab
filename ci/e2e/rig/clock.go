package rig

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

//go:embed testdata/clock/moved.go
var movedClock []byte

// BuildClocked builds a program of this repository whose clock can be moved: its time
// package adds what Clock says. The kernel has namespaces for the clocks that count from
// a machine's start, and none for the one that tells the date.
func BuildClocked(output, pkg string) error {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("asking for the root of Go: %w", err)
	}
	source := filepath.Join(strings.TrimSpace(string(root)), "src", "time")
	text, err := os.ReadFile(filepath.Join(source, "time.go"))
	if err != nil {
		return err
	}
	const read = "\tsec, nsec, mono := runtimeNow()\n"
	if strings.Count(string(text), read) != 1 {
		return fmt.Errorf("time.go of %s does not read the clock at one place", source)
	}
	dir, err := os.MkdirTemp("", "slipway-clock-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	edited := strings.Replace(string(text), read, read+"\tsec += moved\n", 1)
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		filepath.Join(source, "time.go"): filepath.Join(dir, "time.go"), filepath.Join(source, "moved.go"): filepath.Join(dir, "moved.go"),
	}})
	if err := errors.Join(err,
		os.WriteFile(filepath.Join(dir, "time.go"), []byte(edited), 0o600),
		os.WriteFile(filepath.Join(dir, "moved.go"), movedClock, 0o600),
		os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600)); err != nil {
		return err
	}
	return GoBuild(output, pkg, "-overlay", filepath.Join(dir, "overlay.json"))
}

// Clock is the variable of the environment that moves the clock of such a program.
func Clock(by time.Duration) string { return "MOVED_CLOCK=" + by.String() }
