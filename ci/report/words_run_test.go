package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/receipt"
)

func decided(r *receipt.Receipt) []string {
	list, _ := spans(r)
	var names []string
	for _, s := range list {
		if s.Decided {
			names = append(names, s.Name)
		}
	}
	return names
}

func TestSpans_FindTheCriticalPath(t *testing.T) {
	t.Parallel()
	of := func(name, outcome string, after, took int64) receipt.Step {
		return receipt.Step{Name: name, Outcome: outcome, After: after, Took: took}
	}
	began := time.Date(2026, 11, 28, 6, 12, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		steps   []receipt.Step
		failing string
		want    []string
	}{
		"none":                                  {nil, "", nil},
		"one":                                   {[]receipt.Step{of("a", "done", 0, 5)}, "", []string{"a"}},
		"one after another":                     {[]receipt.Step{of("a", "done", 0, 5), of("b", "cached", 5, 0), of("c", "done", 5, 3)}, "", []string{"a", "b", "c"}},
		"side by side":                          {[]receipt.Step{of("a", "done", 0, 5), of("b", "done", 5, 20), of("c", "done", 5, 9), of("d", "done", 26, 4)}, "", []string{"a", "b", "d"}},
		"one that waited for nobody is no part": {[]receipt.Step{of("a", "done", 0, 30), of("b", "done", 0, 10), of("c", "done", 12, 40)}, "", []string{"b", "c"}},
		"the one that failed":                   {[]receipt.Step{of("a", "done", 0, 5), of("b", "", 6, 0), of("c", "failed", 6, 20)}, "c", []string{"a", "c"}},
		"one that was open":                     {[]receipt.Step{of("a", "done", 0, 5), of("b", "done", 6, 20), of("c", "", 6, 0)}, "", []string{"a", "c"}},
		"times that cannot be":                  {[]receipt.Step{of("a", "done", -9, 1<<62), of("b", "done", 1<<62, 1<<62), of("c", "done", 0, -5)}, "", []string{"a", "b"}},
	} {
		r := &receipt.Receipt{Run: receipt.Run{Steps: tt.steps, Started: began, Ended: began.Add(40 * time.Millisecond)}}
		if tt.failing != "" {
			r.Failure = &receipt.Failure{Kind: "source", Step: tt.failing}
		}
		require.Equal(t, tt.want, decided(r), name)
	}
}

// Of a hundred programs two are built, among the others: those are steps, and the rest is
// one, in the timeline, on the critical path and in what is called cached.
func TestSpans_MakeOneStepOfManyCached(t *testing.T) {
	t.Parallel()
	r := &receipt.Receipt{}
	add := func(name, outcome string, after, took int64) {
		r.Run.Steps = append(r.Run.Steps, receipt.Step{Name: name, Outcome: outcome, After: after, Took: took})
	}
	add("toolchain", "cached", 0, 10)
	add("sources", "done", 10, 90)
	for i := range int64(1000) {
		if add("build ship "+milliseconds(i), "cached", 100+i, 2); i == 500 {
			add("build it", "done", 600, 900)
		}
	}
	add("image", "done", 1500, 100)
	require.Equal(t, []string{"toolchain", "sources", "build it", "image"}, decided(r))
	list, end := spans(r)
	require.Equal(t, int64(1600), end)
	var names []string
	for _, s := range list {
		names = append(names, s.Name)
	}
	require.Equal(t, []string{"toolchain", "sources", "build (1000 steps)", "build it", "image"}, names)
	require.Equal(t, []int64{100, 1101}, []int64{list[2].From, list[2].To})
	require.Equal(t, []string{"toolchain", "build (1000 steps)"}, reused(r))
	rows, _, _ := timeline(r)
	require.Len(t, rows[2].Alike, maxNamed)
	require.Equal(t, 500, rows[2].MoreAlike)
	r.Run.Steps = r.Run.Steps[:2+maxAlike]
	require.Len(t, reused(r), 1+maxAlike, "few are shown each")
}

func TestHTML_NamesAFewOfManyImages(t *testing.T) {
	t.Parallel()
	r := &receipt.Receipt{Schema: receipt.Schema, Verdict: receipt.Passed}
	for i := range 50 {
		name := fmt.Sprintf("ship%02d", i)
		r.Images = append(r.Images, receipt.Image{Name: name, Digest: "sha256:" + name})
	}
	var out strings.Builder
	require.NoError(t, writeHTML(&out, r))
	require.Contains(t, out.String(), "<h1>ship00, ship01, ship02, and 47 more</h1>")
	require.Contains(t, out.String(), "<details><summary>50 images</summary>")
	require.Contains(t, out.String(), "sha256:ship49")
}

func TestSlowest_AreTheFirstFive(t *testing.T) {
	t.Parallel()
	r := &receipt.Receipt{}
	for _, took := range []int64{100, 700, 3, 400, 500, 600, 300} {
		r.Run.Steps = append(r.Run.Steps, receipt.Step{Name: milliseconds(took), Outcome: "done", Took: took})
	}
	require.Equal(t, "700 ms 700 ms (100.0 %), 600 ms 600 ms (85.7 %), 500 ms 500 ms (71.4 %), 400 ms 400 ms (57.1 %), 300 ms 300 ms (42.9 %)", sentenceOf(slowest(r)))
}

func TestAge_IsCountedFromTheStart(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 11, 28, 6, 12, 0, 0, time.UTC)
	r := &receipt.Receipt{Run: receipt.Run{Started: began}}
	for hours, want := range map[int]string{0: " (0 hours old)", 1: " (1 hour old)", 47: " (47 hours old)", 80: " (3 days old)", -5: ""} {
		require.Equal(t, want, age(r, began.Add(-time.Duration(hours)*time.Hour)))
	}
	require.Empty(t, age(r, time.Time{}))
}
