package main

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"time"
)

// print writes the table in Markdown, and what one needs to get it again.
func (b *bench) print(ctx context.Context, rival string, rows []row) error {
	host, err := b.output(ctx, ".", nil, "go", "env", "GOVERSION")
	if err != nil {
		return err
	}
	fmt.Fprintf(b.stdout, "Medians of %d interleaved runs on %d processors (%s/%s), programs compiled by %s.\n\n",
		b.runs, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, host)
	fmt.Fprintln(b.stdout, strings.ReplaceAll("| service | platforms | changed | Slipway | ko | Slipway/ko | Slipway min-max | ko min-max | Slipway CPU | ko CPU |", "ko", rival))
	fmt.Fprintln(b.stdout, "|---|---|---|---|---|---|---|---|---|---|")
	for _, r := range rows {
		fmt.Fprintln(b.stdout, r)
	}
	fmt.Fprintln(b.stdout)
	for one, two := range pairs(rows) {
		fmt.Fprintf(b.stdout, "%s, %s changed: two platforms take Slipway %.2f times as long as one.\n", one.service, one.change, ratio(two.ours, one.ours))
	}
	for _, r := range rows {
		if r.change != oneLine {
			continue // the commands are the same
		}
		fmt.Fprintf(b.stdout, "\n%s, %s:\n\n", r.service, r.platforms)
		for _, words := range r.commands {
			fmt.Fprintln(b.stdout, "   ", strings.Join(quoted(words), " "))
		}
	}
	return nil
}

// pairs are the rows of one platform, each with that of two for the same change.
func pairs(rows []row) iter.Seq2[row, row] {
	return func(yield func(one, two row) bool) {
		for i, one := range rows {
			for _, two := range rows[i+1:] {
				if one.service == two.service && one.change == two.change && !yield(one, two) {
					return
				}
			}
		}
	}
}

// ratio of the medians.
func ratio(a, b []sample) float64 {
	return median(walls(a)).Seconds() / median(walls(b)).Seconds()
}

// quoted puts words with blanks into quotation marks, as one would type them.
func quoted(words []string) []string {
	list := slices.Clone(words)
	for i, w := range list {
		if strings.Contains(w, " ") {
			list[i] = "'" + w + "'"
		}
	}
	return list
}

// String is the row in Markdown.
func (r row) String() string {
	ours, theirs := walls(r.ours), walls(r.theirs)
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %.2f | %s-%s | %s-%s | %s | %s |",
		r.service, r.platforms, r.change, seconds(median(ours)), seconds(median(theirs)), ratio(r.ours, r.theirs),
		seconds(slices.Min(ours)), seconds(slices.Max(ours)), seconds(slices.Min(theirs)), seconds(slices.Max(theirs)),
		seconds(median(cpus(r.ours))), seconds(median(cpus(r.theirs))))
}

func walls(samples []sample) []time.Duration {
	list := make([]time.Duration, len(samples))
	for i, s := range samples {
		list[i] = s.wall
	}
	return list
}

func cpus(samples []sample) []time.Duration {
	list := make([]time.Duration, len(samples))
	for i, s := range samples {
		list[i] = s.cpu
	}
	return list
}

// median of an even number of runs is the mean of the two in the middle.
func median(list []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(list))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2fs", d.Seconds()) }
