//go:build unix

package pins_test

import "syscall"

// makePipe makes what blocks a reader that opens it.
func makePipe(path string) error { return syscall.Mkfifo(path, 0o600) }
