//go:build unix

package local

import (
	"os/exec"
	"syscall"
)

const exeSuffix = ""

// ownGroup puts the program into a process group of its own, so that the compilers
// that a go command started end with it.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
