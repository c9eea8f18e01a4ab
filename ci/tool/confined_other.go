//go:build !linux

package tool

import "os/exec"

// confinements: only Linux has namespaces.
var confinements = []func(*exec.Cmd){func(*exec.Cmd) {}}

func offline(*exec.Cmd) bool { return false }
