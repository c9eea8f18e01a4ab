package plan

// Policy is what the findings of gates are held against.
type Policy struct {
	// Severity is the lowest that fails: critical, high, medium or low.
	Severity string `json:"severity"`
	// Unknown is what a vulnerability without a rating does: fail or note.
	Unknown string `json:"unknown"`
	// Unfixed is what one without a fixed version does: fail or note.
	Unfixed string `json:"unfixed"`
	// Reach is all, or called: then only vulnerabilities in Go code that the program
	// calls fail, and those of which nobody knows.
	Reach string `json:"reach"`
	// Flaky is what a test does that failed and passed when it was run again: fail or note.
	Flaky string `json:"flaky,omitempty"`
	// Exceptions accept findings until they expire.
	Exceptions []Exception `json:"exceptions,omitempty"`
	// VEX are OpenVEX documents in the source folder, as slash paths.
	VEX []string `json:"vex,omitempty"`
	// Product is the main module's package URL, with its version where there is one. A
	// VEX document may name it as the product that it speaks of.
	Product string `json:"product,omitempty"`
}

// Exception accepts one finding on somebody's word.
type Exception struct {
	// ID is that of the finding, or one of its aliases.
	ID string `json:"id"`
	// Package limits the exception to a module or package.
	Package string `json:"package,omitempty"`
	// Reason and Owner say why it is accepted, and on whose word.
	Reason string `json:"reason"`
	Owner  string `json:"owner"`
	// Expires is the first day, as 2006-01-02 in UTC, on which it does not hold any more.
	Expires string `json:"expires"`
	// Origin is where it was said, for messages.
	Origin string `json:"origin,omitempty"`
}

// Scan is how images are scanned. It is for whoever runs Slipway to say, not for a source.
type Scan struct {
	// Scanner is the scanner's image, for engines that run containers.
	Scanner Pin `json:"scanner"`
	// Databases are the repositories of the vulnerability database, in the order in
	// which they are asked.
	Databases []string `json:"databases"`
	// DatabaseAge is how old the database may be, in hours.
	DatabaseAge int `json:"databaseAge"`
	// VulnDB is the database of the functions that are vulnerable: a URL or a folder.
	VulnDB string `json:"vulnDB"`
}

// Smoke is how an image is tried.
type Smoke struct {
	// Off says who does not want it, or is empty.
	Off string `json:"off,omitempty"`
	// Health is a path that answers with a status of 200 to 299, or "" for a program
	// that only has to take connections.
	Health string `json:"health,omitempty"`
	// Env and Args are given to the program in addition to, and in the place of, the image's own.
	Env  []string `json:"env,omitempty"`
	Args []string `json:"args,omitempty"`
}
