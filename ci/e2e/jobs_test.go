package e2e_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig/actions"
)

// requireJob wants what a person and the next job get of a job as golden files have it:
// the summary, the outputs and the annotations.
func requireJob(t *testing.T, name string, job *actions.Job) {
	t.Helper()
	step := job.Step("slipway")
	dir := filepath.Join("testdata", "jobs", strings.ReplaceAll(name, " ", "-"))
	for file, text := range map[string]string{
		"summary.md": step.Summary, "outputs.txt": outputs(step), "annotations.txt": annotated(job),
	} {
		got := settled(text, job)
		file = filepath.Join(dir, file)
		if *update {
			require.NoError(t, os.MkdirAll(dir, 0o755))
			require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
			continue
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(want), got, "%s; go test with -update writes it again", file)
	}
}

// outputs are those of a step, in the order of their names.
func outputs(step *actions.Step) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(step.Outputs)) {
		fmt.Fprintf(&b, "%s=%s\n", name, strings.ReplaceAll(step.Outputs[name], "\n", "\n  "))
	}
	return b.String()
}

// annotated are the annotations of a job, as level, place, title and message.
func annotated(job *actions.Job) string {
	var b strings.Builder
	for _, a := range annotations(job) {
		fmt.Fprintf(&b, "%s %s:%s:%s %s: %s\n", a.Level, a.File, a.Line, a.Column, a.Title, strings.ReplaceAll(a.Message, "\n", "\n  "))
	}
	return b.String()
}

// varying is what no two runs have in common, with what stands for it.
var varying = []struct {
	form *regexp.Regexp
	word string
}{
	{regexp.MustCompile(`sw1-[\w-]+`), "TOKEN"},
	{regexp.MustCompile(`sha256:[0-9a-f]{12,64}`), "sha256:DIGEST"},
	{regexp.MustCompile(`\b[0-9a-f]{40}\b`), "COMMIT"},
	{regexp.MustCompile(`\bv[0-9.]+-(?:0\.)?[0-9]{14}-[0-9a-f]{12}\b`), "VERSION"},
	{regexp.MustCompile(`\b127\.0\.0\.1:[0-9]{2,5}`), "REGISTRY"},
	{regexp.MustCompile(`\b[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{5} UTC`), "TIME"},
	{regexp.MustCompile(`\b[0-9]+(?:\.[0-9]+)? [kM]?B\b`), "SIZE"},
	{regexp.MustCompile(`\b[0-9]+ % of SIZE`), "PART of SIZE"},
	// What is under way when a registry refuses is not the same each time.
	{regexp.MustCompile(`\b[0-9]+ uploaded`), "N uploaded"},
	{regexp.MustCompile(regexp.QuoteMeta(os.TempDir()) + `/[\w&#;./-]+`), "TEMP"},
	{regexp.MustCompile(`\be2e-killed-[0-9]+`), "ENGINE"},
	{regexp.MustCompile(`local go[0-9.]+`), "local GO"},
	{regexp.MustCompile(`(?m)^(\| Took \|) .* \|$`), "$1 DURATION |"},
	// Which steps take long, and what was there already, is the machine's business.
	{regexp.MustCompile(`(\| Slowest steps .*\n.*\n)(?:\|.*\n)+`), "$1| STEPS |\n"},
	{regexp.MustCompile(`Cached: .*\n\n`), ""},
}

// settled is a text of a job without what varies.
func settled(text string, job *actions.Job) string {
	text = strings.ReplaceAll(text, job.Workspace, "WORKSPACE")
	for _, v := range varying {
		text = v.form.ReplaceAllString(text, v.word)
	}
	return text
}
