package tool

import (
	"os"
	"os/exec"
	"syscall"
)

// alone are namespaces in which a program sees no network but a loopback device that is
// down, and no process but its own: with the first of them all others end.
const alone = syscall.CLONE_NEWNET | syscall.CLONE_NEWPID

// confinements are tried in their order: root may make namespaces, others where the
// kernel lets them have a user namespace, and in many containers nobody may.
var confinements = []func(*exec.Cmd){
	func(cmd *exec.Cmd) { cmd.SysProcAttr.Cloneflags = alone },
	func(cmd *exec.Cmd) {
		cmd.SysProcAttr.Cloneflags = alone | syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
	},
	func(*exec.Cmd) {},
}

// offline tells whether a program that was started has no network.
func offline(cmd *exec.Cmd) bool { return cmd.SysProcAttr.Cloneflags&syscall.CLONE_NEWNET != 0 }
