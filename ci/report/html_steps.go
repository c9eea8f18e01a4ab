package report

import (
	"fmt"
	"math"
	"strings"

	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/step"
)

type stepRow struct {
	Name, Outcome, Took, Summary, Title string
	// X and W are the bar, in thousandths of the run.
	X, W float64
	// Decided says that the step is on the critical path.
	Decided      bool
	Commands     []commandRow
	MoreCommands int
	Log          []string
	// Alike are the cached steps that the row stands for.
	Alike     []string
	MoreAlike int
}

// commandRow is a tool that a step ran.
type commandRow struct {
	Line, Env string
	// Exit says that it failed, or is empty.
	Exit string
}

// maxCommands bounds the commands of one step, maxLog the lines of its log, maxNamed the
// steps that one row names.
const (
	maxCommands = 50
	maxLog      = 200
	maxNamed    = 500
)

// timeline lays the steps out between the first start and the last end, with the times
// at the quarters. Decided is the critical path in words.
func timeline(r *receipt.Receipt) (rows []stepRow, axis []string, decided string) {
	list, end := spans(r)
	var path []string
	for _, s := range list {
		x, w := 1000*float64(s.From)/float64(end), 1000*float64(s.took())/float64(end)
		w = max(w, 4) // what took no time is seen too
		row := stepRow{
			Name: clean(s.Name), Outcome: ended(s.Outcome), Took: milliseconds(s.took()), Summary: clean(s.Summary),
			Title: fmt.Sprintf("%s: from %s to %s", clean(s.Name), milliseconds(s.From), milliseconds(s.To)),
			X:     math.Round(min(x, 1000-w)), W: math.Round(w), Decided: s.Decided,
			MoreCommands: len(s.Commands) - maxCommands, MoreAlike: len(s.Alike) - maxNamed,
		}
		for _, one := range s.Alike[:min(len(s.Alike), maxNamed)] {
			row.Alike = append(row.Alike, fmt.Sprintf("%s: %s, at %s", clean(one.Name), clean(one.Summary), milliseconds(bounded(one.After))))
		}
		for _, c := range s.Commands[:min(len(s.Commands), maxCommands)] {
			row.Commands = append(row.Commands, commandOf(c))
		}
		row.Log, _ = first(s.Log[max(len(s.Log)-maxLog, 0):], maxLog)
		rows = append(rows, row)
		if s.Decided {
			path = append(path, row.Name)
		}
	}
	for i := range int64(5) {
		axis = append(axis, milliseconds(end*i/4))
	}
	if len(path) > 1 {
		decided = strings.Join(path[max(len(path)-maxPath, 0):], ", ")
	}
	return rows, axis, decided
}

// maxPath bounds the steps of the critical path that are named in a sentence.
const maxPath = 20

func commandOf(c step.Command) commandRow {
	row := commandRow{Line: words(c.Args), Env: words(c.Env)}
	switch {
	case c.Exit < 0:
		row.Exit = "ended from outside"
	case c.Exit > 0:
		row.Exit = fmt.Sprintf("exit code %d", c.Exit)
	}
	return row
}

// words are the words of a command in one line, quoted where one would not be read as one.
func words(list []string) string {
	out := make([]string, 0, len(list))
	for _, word := range list {
		if word = clean(word); word == "" || strings.ContainsAny(word, " '\"\\$`&|;<>()*?[]{}#~!") {
			word = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
		out = append(out, word)
	}
	return strings.Join(out, " ")
}
