// Package process starts programs that end together with what they started.
package process

import (
	"context"
	"os/exec"
	"time"
)

// Command prepares a program that dies with ctx, together with what it started.
func Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	ownGroup(cmd)
	cmd.WaitDelay = 5 * time.Second
	return cmd
}
