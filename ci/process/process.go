// Package process starts programs that end together with what they started.
package process

import (
	"context"
	"os/exec"
	"path/filepath"
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
