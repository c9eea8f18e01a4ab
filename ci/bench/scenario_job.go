package main

// The rows of a job.
const (
	jobLine     = "job on a fresh runner, from clone to digest, one line edited"
	jobCompiled = "the same, Slipway compiled first"
)

// jobs are whole jobs of CI, from the clone on.
func jobs() scenario {
	return scenario{
		name: "job",
		says: "A whole job on a fresh runner, from the clone to the digest, with caches restored before and saved after: Slipway is cloned too; an earlier job has compiled it from the same sources, as the action keeps it, or it is compiled first, with the go command's caches of that restored from a tar with zstd. BuildKit's is the way of a workflow that builds its Dockerfile with a registry cache.",
		variants: []variant{
			{name: jobLine, change: line, commit: true, clear: true, restore: true, clone: true},
			{name: jobCompiled, change: line, commit: true, clear: true, restore: true, clone: true, compile: true},
		},
	}
}
