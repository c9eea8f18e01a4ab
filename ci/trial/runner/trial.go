// Package runner tries a program: it starts it with little more than nothing, waits
// until it answers, stops it, and says what went wrong in words for a user. A runner
// has to be where the program is: an engine that runs containers compiles this package
// in its builder and sends it there. So it imports the standard library only, and none
// of that is newer than Go 1.22.
package runner

import "time"

// Trial says what to start and what to expect of it. It travels as JSON.
type Trial struct {
	// Argv is the program with its arguments, Env its whole environment.
	Argv, Env []string
	// Dir is its working folder.
	Dir string
	// UID and GID are the user and group to run as, for a runner that is root.
	UID, GID int
	// Capabilities are bits in the order of linux/capability.h that the program keeps.
	Capabilities uint64
	// Port is the TCP port that it listens on, or 0.
	Port int
	// Health is the path that has to answer with 200 to 299, or "".
	Health string
	// Signal stops it.
	Signal Signal
	// Wait bounds the time until it answers, Stop the time until it has stopped. Up is
	// how long it has to stay up after its start.
	Wait, Stop, Up time.Duration
	// Memory is how much it may take, in bytes.
	Memory int64
}

// Signal is a signal's name and number.
type Signal struct {
	Name   string
	Number int
}

// Report is how a trial went. It travels as JSON.
type Report struct {
	// Ready is how long the program took to answer, Stopped to stop.
	Ready, Stopped time.Duration
	// Fault says in one clause what went wrong, and Fix what to do about it.
	Fault, Fix string
	// Unjudged says that the machine is at fault and not the program.
	Unjudged bool
	// Unstarted says that the system did not start the program.
	Unstarted bool
	// Lines are the last that the program printed.
	Lines []string
	// Loose names what the program was not restricted in.
	Loose []string
}

// Exit is how a program ended.
type Exit struct {
	Code int
	// Signal is the number of the one that ended it, or 0.
	Signal int
	// Memory says that it took more than it may.
	Memory bool
	// First says that it was process 1 of its system, which the kernel does not end by
	// a signal that it has no handler for.
	First bool
}
