//go:build unix

package process

import (
	"os/exec"
	"syscall"
)

// ownGroup puts the program into a process group of its own, so that the compilers
// that a go command started end with it, and a terminal's Ctrl-C reaches Slipway only.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
