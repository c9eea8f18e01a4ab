package engine

import (
	"time"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plan"
)

// Tests are the packages to vet and test.
type Tests struct {
	// Packages are patterns of the go command, such as ./..., in the source folder.
	Packages []string
	// Tags are build tags.
	Tags []string
	// Race asks for the race detector where there is a C compiler.
	Race bool
	// Rerun is how often tests that fail are run again.
	Rerun int
	// Event hears of a package whose tests ended for the first time, while others still
	// run. It may be nil.
	Event func(finding.TestPackage)
}

// Scan is one run of the scanner. It happens in a folder that holds image, an OCI
// layout with one image, and cache, the scanner's cache folder with its database.
type Scan struct {
	// Scanner is the image of the scanner, for an engine that runs containers. Any
	// other engine takes the program of Versions that is at hand.
	Scanner plan.Pin
	// Layout and Cache are folders on this machine.
	Layout, Cache string
	// Args name image, cache and report.json in the scanner's working folder.
	Args []string
	// Limit is the largest report.json in bytes, Wait the longest time.
	Limit int64
	Wait  time.Duration
}

// Scanned is what a scanner left.
type Scanned struct {
	// Report is the content of report.json.
	Report []byte
	// Code is the exit code.
	Code int
	// Lines are what it printed, bounded.
	Lines []string
	// Version is what the scanner says of itself.
	Version string
}

// Reach asks what of a target's code is vulnerable and called.
type Reach struct {
	Target  Target
	Sources SourceSet
	// Database is an https URL, or a folder on this machine.
	Database string
}

// Smoke is one trial of an image.
type Smoke struct {
	Platform plan.Platform
	// Archive is an archive of the image for docker load, under the name Tag.
	Archive, Tag string
	// Entrypoint is the program in the image, Binary the same on this machine.
	Entrypoint string
	Binary     Binary
	Config     plan.Config
	// Capabilities are those that the program's file has in the image.
	Capabilities []string
	plan.Smoke
	// Wait is how long it may take until it answers, StopWithin until it has stopped.
	Wait, StopWithin time.Duration
}

// Smoked is how a trial went.
type Smoked struct {
	// How names what started the image and what it was not restricted in.
	How string
	// Ready is how long it took to answer, Stopped to stop.
	Ready, Stopped time.Duration
}
