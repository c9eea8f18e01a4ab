package main

// change is what is done to a service before a run.
type change int

const (
	// nothing leaves it as the run before had it.
	nothing change = iota
	// saved is the state in which caches were saved.
	saved
	// line is another line in package main.
	line
	// module is another version of one dependency in go.mod.
	module
	// shared is another line in the package that all of a monorepo's services import.
	shared
)

// variant is one kind of run, and a row of a table.
type variant struct {
	name   string
	change change
	// clear makes the machine a fresh one before, restore lets the tool take along what
	// it saved on another.
	clear, restore bool
	// both builds for two platforms instead of one.
	both bool
	// commit makes a commit of the source before.
	commit bool
	// push goes to a registry instead of a folder, and empty empties that before.
	push, empty bool
	// clone begins with the clone of the repository, as a job does, and ends with caches
	// saved.
	clone bool
	// compile has a job compile Slipway too, instead of taking along what an earlier job
	// compiled of the same sources.
	compile bool
}

// scenario is a list of runs that a tool makes one after the other in its turn.
type scenario struct {
	name string
	// says what is measured, on the page.
	says string
	// warmups are rounds before the measured ones.
	warmups  int
	variants []variant
}

// scenarios are those that -scenarios names, in this order.
func scenarios() []scenario {
	return []scenario{fresh(), warm(), push(), sizes(), monorepo(), jobs()}
}

const (
	onePlatform  = "linux/amd64"
	twoPlatforms = "linux/amd64,linux/arm64"
)

func (v variant) platforms() string {
	if v.both {
		return twoPlatforms
	}
	return onePlatform
}
