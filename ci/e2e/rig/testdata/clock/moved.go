package time

import "syscall"

// moved is by how many seconds a test moves the clock of a program: see clock.go.
var moved = func() int64 {
	text, _ := syscall.Getenv("MOVED_CLOCK")
	d, _ := ParseDuration(text)
	return int64(d / Second)
}()
