package main

// The rows of a warm machine.
const (
	warmLine = "warm, one line edited"
	warmSame = "warm, unchanged"
	warmBoth = "warm, one line edited, two platforms"
)

// warm is a developer's machine, on which the tool has just built.
func warm() scenario {
	return scenario{
		name:    "warm",
		says:    "A machine on which the tool has just built this service for both platforms. Into an OCI layout in an empty folder.",
		warmups: 1,
		variants: []variant{
			{name: warmLine, change: line},
			{name: warmSame},
			{name: warmBoth, change: line, both: true},
		},
	}
}
