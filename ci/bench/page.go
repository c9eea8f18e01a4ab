package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// titles are the names of the tools on the page.
var titles = [...]struct{ name, title string }{
	{slipwayLocal, "Slipway, local engine"},
	{slipwayDagger, "Slipway, Dagger engine"},
	{koTool, "ko"},
	{buildkitTool, "BuildKit"},
	{plainTool, "plain Dagger SDK"},
}

// pair is a ratio that the page shows: Slipway's time over a peer's.
type pair struct{ ours, theirs, title string }

// pairs are the columns of ratios.
func pairs() []pair {
	return []pair{
		{slipwayLocal, koTool, "local / ko"},
		{slipwayLocal, buildkitTool, "local / BuildKit"},
		{slipwayDagger, buildkitTool, "Dagger / BuildKit"},
		{slipwayDagger, plainTool, "Dagger / plain SDK"},
	}
}

// writePage writes the page and the plot beside the figures.
func writePage(results string) error {
	records, err := read(results)
	if err != nil {
		return err
	}
	name := strings.TrimSuffix(results, filepath.Ext(results))
	sortRecords(records)
	for file, text := range map[string][]byte{name + ".md": page(records, filepath.Base(name)), name + ".svg": plot(records)} {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return fmt.Errorf("writing the page: %w", err)
		}
	}
	return nil
}

// sortRecords puts them into the order of scenarios, and of services from small to large.
func sortRecords(records []record) {
	scenario, size := map[string]int{}, map[string]int{"task": 1, heavy: 2}
	for i, sc := range scenarios() {
		scenario[sc.name] = i
	}
	slices.SortStableFunc(records, func(a, b record) int {
		return cmp.Or(cmp.Compare(scenario[a.Scenario], scenario[b.Scenario]), cmp.Compare(size[a.Service], size[b.Service]))
	})
}

// page is the page in Markdown.
func page(records []record, name string) []byte {
	var w bytes.Buffer
	fmt.Fprintf(&w, "# Performance\n\nSlipway beside its peers. A ratio is Slipway's time over a peer's, of medians of one interleaved run: below 1 Slipway is faster, **above 1 it loses**. `go run ./ci/bench` measures and writes this page; `go run ./ci/bench -page` writes it from [the figures](%s.json).\n\n![Ratios of all scenarios](%s.svg)\n", name, name)
	writeTargets(&w, records)
	for _, sc := range scenarios() {
		found := slices.DeleteFunc(slices.Clone(records), func(r record) bool { return r.Scenario != sc.name })
		if len(found) == 0 {
			continue
		}
		fmt.Fprintf(&w, "\n## %s%s\n\n%s\n", strings.ToUpper(sc.name[:1]), sc.name[1:], sc.says)
		if sc.name == sizes().name {
			writeSizes(&w, found)
			continue
		}
		writeRatios(&w, found)
		writeSeconds(&w, found)
	}
	writeConditions(&w, records)
	return w.Bytes()
}

func writeTargets(w *bytes.Buffer, records []record) {
	fmt.Fprintf(w, "\n## Targets\n\nThey were set before anything was measured, for a heavy service (%s). A target that is missed stays here with its figure.\n\n| what | target | measured | |\n|---|---|---|---|\n", heavy)
	for _, t := range targets() {
		measured, verdict := "not measured", ""
		if figure, ok := t.figure(records); ok {
			measured, verdict = fmt.Sprintf("%.*f%s", t.digits, figure, t.unit), "met"
			if figure > t.most {
				verdict = "**missed**"
			}
		}
		fmt.Fprintf(w, "| %s | at most %v%s | %s | %s |\n", t.what, t.most, t.unit, measured, verdict)
	}
}

// writeRatios is a table of ratios; those that are losses are bold.
func writeRatios(w *bytes.Buffer, records []record) {
	fmt.Fprint(w, "\n| service | what |")
	for _, p := range pairs() {
		fmt.Fprintf(w, " %s |", p.title)
	}
	fmt.Fprintf(w, "\n|---|---|%s\n", strings.Repeat("---|", len(pairs())))
	for _, r := range records {
		for i, row := range r.Rows {
			fmt.Fprintf(w, "| %s | %s |", r.Service, row.Name)
			for _, p := range pairs() {
				fmt.Fprintf(w, " %s |", ratioText(r, i, p))
			}
			fmt.Fprintln(w)
		}
	}
}

// ratio is Slipway's median over a peer's in one of the rows. A peer that does the same
// in a row as in the one above has only the samples of that.
func (r record) ratio(row int, p pair) (float64, bool) {
	ours, theirs := r.Rows[row].Cells[p.ours], r.Rows[row].Cells[p.theirs]
	if theirs.Empty == sameAbove && row > 0 {
		theirs = r.Rows[row-1].Cells[p.theirs]
	}
	if len(ours.Samples) == 0 || len(theirs.Samples) == 0 {
		return 0, false
	}
	return ours.median() / theirs.median(), true
}

func ratioText(r record, row int, p pair) string {
	x, ok := r.ratio(row, p)
	switch {
	case !ok:
		return ""
	case x > 1:
		return fmt.Sprintf("**%.2f**", x)
	case x < 0.095:
		return fmt.Sprintf("%.3f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// writeSeconds is what the ratios are made of. An empty cell says why it is empty.
func writeSeconds(w *bytes.Buffer, records []record) {
	fmt.Fprint(w, "\nSeconds, as median (fastest to slowest, number of runs):\n\n| service | what |")
	for _, t := range titles {
		fmt.Fprintf(w, " %s |", t.title)
	}
	fmt.Fprintf(w, "\n|---|---|%s\n", strings.Repeat("---|", len(titles)))
	for _, r := range records {
		for _, row := range r.Rows {
			fmt.Fprintf(w, "| %s | %s |", r.Service, row.Name)
			for _, t := range titles {
				fmt.Fprintf(w, " %s |", r.secondsText(row, t.name))
			}
			fmt.Fprintln(w)
		}
	}
	writeRequests(w, records)
}

// secondsText is a cell. A tool that was left out of a run may be one that cannot have a
// figure there.
func (r record) secondsText(w row, tool string) string {
	c, took := w.Cells[tool]
	switch {
	case !took:
		return "*" + cmp.Or(r.cannot(w, tool), "not in this run") + "*"
	case len(c.Samples) == 0:
		return "*" + cmp.Or(c.Empty, "not measured") + "*"
	}
	return fmt.Sprintf("%.2f (%.2f to %.2f, %d)", c.median(), c.fastest(), c.slowest(), len(c.Samples))
}

// cannot says why a tool cannot have a figure in a row, or nothing.
func (r record) cannot(w row, tool string) string {
	s, err := known(r.Service)
	if err != nil {
		return "" // measured when there was such a service
	}
	for _, sc := range scenarios() {
		for _, v := range sc.variants {
			if sc.name == r.Scenario && v.name == w.Name {
				return cannot(tool, s, v)
			}
		}
	}
	return ""
}

// writeRequests says how often the registry that is pushed to was asked.
func writeRequests(w *bytes.Buffer, records []record) {
	for _, r := range records {
		for _, row := range r.Rows {
			var said []string
			for _, t := range titles {
				if c := row.Cells[t.name]; len(c.Samples) > 0 && c.Samples[len(c.Samples)-1].Asked > 0 {
					said = append(said, fmt.Sprintf("%s %d", t.title, c.Samples[len(c.Samples)-1].Asked))
				}
			}
			if len(said) > 0 {
				fmt.Fprintf(w, "\nRequests to the registry, %s, %s: %s.\n", r.Service, row.Name, strings.Join(said, "; "))
			}
		}
	}
}

func writeSizes(w *bytes.Buffer, records []record) {
	fmt.Fprint(w, "\n| service | compression | image | base | program by itself | over the limit | zstd / gzip |\n|---|---|---|---|---|---|---|\n")
	for _, r := range records {
		gzip, _ := sizeOf(records, r.Service, "gzip")
		for _, z := range r.Sizes {
			fmt.Fprintf(w, "| %s | %s | %d | %d | %d | %d | %.2f |\n", r.Service, z.Compression, z.Image, z.Base, z.Program, z.Image-z.Base-z.Program, float64(z.Image)/float64(gzip.Image))
		}
	}
}

// writeConditions says on what machine each run was made, with what, and by what command.
func writeConditions(w *bytes.Buffer, records []record) {
	fmt.Fprint(w, "\n## Conditions\n\n| scenario | service | day | commit | machine | tools | command |\n|---|---|---|---|---|---|---|\n")
	for _, r := range records {
		var tools []string
		for _, t := range r.Tools {
			tools = append(tools, t.Name+" "+t.Version)
		}
		m := r.Machine
		fmt.Fprintf(w, "| %s | %s | %s | %s | %d processors (%s), %s, Linux %s, compiled by %s, building with %s | %s | `%s` |\n",
			r.Scenario, r.Service, r.Measured, r.Commit, m.Processors, m.Model, m.Memory, m.Kernel, m.Go, m.Release, strings.Join(tools, ", "), r.Command)
	}
	fmt.Fprint(w, "\nBuilder and base are stand-ins of the pinned images: Debian with the same Go release, and the base that is embedded in Slipway. Every tool has the same of both, the same linker flags, and folders of its own. BuildKit builds [the Dockerfile](../Dockerfile) of the sample and [Slipway's](../ci/pins/Dockerfile) for the other services; both fetch every module of go.mod. The plain program is [ci/bench/plain](../ci/bench/plain/main.go). What a tool's daemon does counts by the clock alone.\n")
}
