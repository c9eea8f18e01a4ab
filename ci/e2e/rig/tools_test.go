package rig

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// .ci/run lets this build what the other tests find built.
func TestTool_IsOfItsPinnedVersion(t *testing.T) {
	Slow(t)
	for name, version := range map[string][]string{
		"act": {"--version"}, "actionlint": {"-version"}, "cosign": {"version"}, "crane": {"version"}, "distribution": {"--version"}, "oras": {"version"},
	} {
		t.Run(name, func(t *testing.T) {
			program := Tool(t, name)
			pinned := program[strings.LastIndex(program, "-v")+1 : strings.LastIndexByte(program, '/')]
			r := Run(t, "", Environ(), program, version...)
			require.Zero(t, r.Code, r.Stderr)
			require.Contains(t, r.Stdout+r.Stderr+Must(t, "", Environ(), "go", "version", "-m", program), pinned)
		})
	}
}
