package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// watch reads the most memory that a process has had, until the returned function is
// called after its end. The kernel's own count of a process that has ended is not used:
// it has the compilers in it that the process started.
func watch(pid int) func() int64 {
	file := fmt.Sprintf("/proc/%d/status", pid)
	done, peaks := make(chan struct{}), make(chan int64)
	go func() {
		var peak int64
		for tick := time.NewTicker(5 * time.Millisecond); ; {
			text, _, _ := strings.Cut(field(file, "VmHWM"), " ")
			if value, err := strconv.ParseInt(text, 10, 64); err == nil {
				peak = max(peak, value)
			}
			select {
			case <-done:
				tick.Stop()
				peaks <- peak
				return
			case <-tick.C:
			}
		}
	}()
	return func() int64 {
		close(done)
		return <-peaks
	}
}
