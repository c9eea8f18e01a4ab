package main

// The rows of pushes.
const (
	pushFirst = "first push, two platforms"
	pushSame  = "push, unchanged"
)

// push is sending to a registry; the source does not change, so that nobody compiles. It is
// committed, since Slipway publishes nothing else.
func push() scenario {
	return scenario{
		name:    "push",
		says:    "Two platforms on a warm machine with an unchanged and committed source, so that nobody compiles: into an empty registry, and once more. Each tool says by itself what it says of the image: Slipway SBOMs and provenance, ko SBOMs, the others nothing. Slipway asks the gate that needs nothing beside the image.",
		warmups: 1,
		variants: []variant{
			{name: pushFirst, change: saved, commit: true, both: true, push: true, empty: true},
			{name: pushSame, commit: true, both: true, push: true},
		},
	}
}
