package main

// The rows of a fresh runner.
const (
	coldRow      = "cold"
	freshLine    = "fresh runner, one line edited"
	freshSame    = "fresh runner, unchanged"
	freshModules = "fresh runner, one dependency bumped"
)

// fresh is a machine that starts empty in every run. What the tool saved after the
// first cold run is in a registry or an archive; nothing else is left of it.
func fresh() scenario {
	return scenario{
		name: "fresh",
		says: "A machine that has never built: the tool, the Go release (as a toolchain or as the pulled builder image) and the clone are there, nothing else. Modules come from a proxy, the base from a registry, both on loopback. Except for cold, the tool restores what it saved after the first cold run: Slipway from the registry, BuildKit its layers from the registry (`mode=max`), ko the go command's two caches from one tar with zstd on the local disk, as actions/cache packs them, download not counted. One platform, into an OCI layout.",
		variants: []variant{
			{name: coldRow, change: saved, clear: true},
			{name: freshLine, change: line, clear: true, restore: true},
			{name: freshSame, change: saved, clear: true, restore: true},
			{name: freshModules, change: module, clear: true, restore: true},
		},
	}
}
