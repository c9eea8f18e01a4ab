package local

import (
	"context"
	"os/exec"
	"time"
)

// command prepares a program that dies with ctx, together with what it started.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	ownGroup(cmd)
	cmd.WaitDelay = 5 * time.Second
	return cmd
}
