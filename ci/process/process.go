// Package process starts programs that end together with what they started, and reads
// the environment that they and Slipway get.
package process

import (
	"context"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Command prepares a program that dies with ctx, together with what it started.
func Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	ownGroup(cmd)
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// Find looks a program up in the folders of a PATH variable. A relative folder counts
// as absent: it would be one of the source's.
func Find(name, list string) (string, bool) {
	for _, dir := range filepath.SplitList(list) {
		if found, err := exec.LookPath(filepath.Join(dir, name)); err == nil && filepath.IsAbs(dir) {
			return found, true
		}
	}
	return "", false
}

// Exe is the name of a program's file on this system.
func Exe(name string) string {
	if runtime.GOOS == "windows" {
		return name + ".exe"
	}
	return name
}

// Getenv answers from an environment as os.Environ gives it: the last entry of a name
// holds, and one that is not there is empty.
func Getenv(env []string, name string) string {
	for _, kv := range slices.Backward(env) {
		if value, ok := strings.CutPrefix(kv, name+"="); ok {
			return value
		}
	}
	return ""
}
