//go:build !linux

package native

import (
	"errors"
	"os/exec"
)

// What only Linux has. able refuses every other system before one of these is used.

func inside(string, *exec.Cmd) {}

func beganAt(int) (uint64, bool) { return 0, false }

func terminate(int) error { return errors.ErrUnsupported }

func bounding() ([]string, error) { return nil, errors.ErrUnsupported }

func removeLink(string) error { return errors.ErrUnsupported }
