package actions

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// maxSummary is the size of a step's summary above which the runner drops it.
const maxSummary = 1 << 20

// files are the files through which a step tells the runner something.
// https://github.com/actions/runner/blob/main/src/Runner.Worker/FileCommandManager.cs
type files struct{ dir string }

// fileNames are the variables that name them.
var fileNames = []string{"GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STEP_SUMMARY", "GITHUB_STATE"}

// newFiles makes empty files for one step.
func newFiles(parent string) (files, error) {
	dir, err := os.MkdirTemp(parent, "step-")
	if err != nil {
		return files{}, err
	}
	for _, name := range fileNames {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			return files{}, err
		}
	}
	return files{dir}, nil
}

func (f files) env() []string {
	var all []string
	for _, name := range fileNames {
		all = append(all, name+"="+filepath.Join(f.dir, name))
	}
	return all
}

// read returns one of the files. A step may have removed it.
func (f files) read(name string) string {
	text, err := os.ReadFile(filepath.Join(f.dir, name))
	if err != nil {
		return ""
	}
	return string(text)
}

// Pair is a name and a value out of such a file, in the order of the file.
type Pair struct{ Name, Value string }

// ParsePairs reads name=value lines, and values of several lines between delimiters.
// What stands before an error is taken, as the runner does.
func ParsePairs(text string) ([]Pair, error) {
	var all []Pair
	for rest := text; rest != ""; {
		var line string
		line, rest = cutLine(rest)
		equals, here := strings.Index(line, "="), strings.Index(line, "<<")
		switch {
		case line == "":
		case equals >= 0 && (here < 0 || equals < here):
			all = append(all, Pair{line[:equals], line[equals+1:]})
		case here > 0 && line[here+2:] != "":
			value, after, ok := cutValue(rest, line[here+2:])
			if !ok {
				return all, fmt.Errorf("invalid value: matching delimiter not found %q", line[here+2:])
			}
			all, rest = append(all, Pair{line[:here], value}), after
		default:
			return all, fmt.Errorf("invalid format %q", line)
		}
	}
	return all, nil
}

// cutValue cuts a text before the line that is the delimiter.
func cutValue(text, delimiter string) (value, after string, found bool) {
	var lines []string
	for rest := text; rest != ""; {
		var line string
		if line, rest = cutLine(rest); line == delimiter {
			return strings.Join(lines, "\n"), rest, true
		}
		lines = append(lines, line)
	}
	return "", "", false
}

func cutLine(text string) (line, rest string) {
	line, rest, _ = strings.Cut(text, "\n")
	return line, rest
}
