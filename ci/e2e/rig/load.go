package rig

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// sample is the processor time in which Stretch measures.
const sample = 100 * time.Millisecond

// Stretch tells how many times as long as on a machine with nothing else to do work takes
// now: 1 there, and 2 where it gets half a processor.
func Stretch() float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	begin, used := time.Now(), threadTime()
	for threadTime()-used < sample {
	}
	return max(1, float64(time.Since(begin))/float64(threadTime()-used))
}

// threadTime is the processor time that this thread has had.
func threadTime() time.Duration {
	var now unix.Timespec
	// The clock is there since Linux 2.6.12.
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &now)
	return time.Duration(now.Nano())
}
