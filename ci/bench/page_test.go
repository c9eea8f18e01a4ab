package main

import (
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files again")

func TestPage_IsWhatTheFiguresGive(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"testdata/figures", "../../docs/performance"} {
		records, err := read(name + ".json")
		require.NoError(t, err)
		sortRecords(records)
		for file, got := range map[string][]byte{name + ".md": page(records, filepath.Base(name)), name + ".svg": plot(records)} {
			if *update {
				require.NoError(t, os.WriteFile(file, got, 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), string(got), "%s: go run ./ci/bench -page", file)
		}
	}
}

func TestPage_ShowsLossesAndWhatIsNotThere(t *testing.T) {
	t.Parallel()
	records := []record{{Scenario: "warm", Service: heavy, Rows: []row{{Name: warmLine, Cells: map[string]cell{
		slipwayLocal: {Samples: []sample{{Wall: 3}, {Wall: 9}, {Wall: 4}}},
		koTool:       {Samples: []sample{{Wall: 2}}},
		buildkitTool: {Empty: "no daemon"},
	}}}}}
	text := string(page(records, "figures"))
	require.Contains(t, text, "| caddy | warm, one line edited | **2.00** |  |  |  |")
	require.Contains(t, text, "| 4.00 (3.00 to 9.00, 3) | *not in this run* | 2.00 (2.00 to 2.00, 1) | *no daemon* |")
	require.Contains(t, text, "| warm, one line edited, Slipway local / ko | at most 0.6 | 2.00 | **missed** |")
	require.Contains(t, text, "| cold, Slipway local / ko | at most 1 | not measured |  |")
}

func TestPage_ComparesWithTheRowAbove(t *testing.T) {
	t.Parallel()
	records := []record{{Scenario: "job", Service: heavy, Rows: []row{
		{Name: jobLine, Cells: map[string]cell{slipwayLocal: {Samples: []sample{{Wall: 5}}}, koTool: {Samples: []sample{{Wall: 20}}}, buildkitTool: {Empty: "no daemon"}}},
		{Name: jobCompiled, Cells: map[string]cell{slipwayLocal: {Samples: []sample{{Wall: 30}}}, koTool: {Empty: sameAbove}, buildkitTool: {Empty: sameAbove}}},
	}}}
	text := string(page(records, "figures"))
	require.Contains(t, text, "| caddy | "+jobLine+" | 0.25 |  |  |  |")
	require.Contains(t, text, "| caddy | "+jobCompiled+" | **1.50** |  |  |  |")
	require.Contains(t, text, "| *a fresh job has no engine* | *"+sameAbove+"* |", "who was left out of a run may have had no place in it")
}

func TestPlot_IsWellFormedAndNeedsNothingElse(t *testing.T) {
	t.Parallel()
	records, err := read("testdata/figures.json")
	require.NoError(t, err)
	text := string(plot(records))
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
	}
	require.NotContains(t, text, "href")
	require.NotContains(t, text, "url(")
}

func TestPlot_HasRoomForEveryRowsName(t *testing.T) {
	t.Parallel()
	for _, sc := range scenarios() {
		for _, v := range sc.variants {
			name := heavy
			if sc.name == monorepo().name {
				name = sc.name
			}
			require.Less(t, 7.1*float64(len(name+": "+v.name)), float64(plotLeft-14), "%s in letters of 13px", v.name)
		}
	}
}

func TestSortRecords_FollowsThePage(t *testing.T) {
	t.Parallel()
	records := []record{{Scenario: "job", Service: heavy}, {Scenario: "monorepo", Service: "monorepo"}, {Scenario: "fresh", Service: heavy}, {Scenario: "fresh", Service: "sample"}}
	sortRecords(records)
	var order []string
	for _, r := range records {
		order = append(order, r.Scenario+" "+r.Service)
	}
	require.Equal(t, []string{"fresh sample", "fresh caddy", "monorepo monorepo", "job caddy"}, order)
}

func TestPlace_KeepsEveryRatioOnTheScale(t *testing.T) {
	t.Parallel()
	require.InDelta(t, plotLeft, place(0.0001), 0.01)
	require.InDelta(t, plotWidth-plotRight, place(1000), 0.01)
	require.Less(t, place(0.5), place(1))
	require.InDelta(t, place(1)-place(0.1), place(10)-place(1), 0.01)
}
