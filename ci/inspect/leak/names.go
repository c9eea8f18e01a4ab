package leak

import (
	"cmp"
	"slices"
	"strings"
)

// Forbidden is a name of the machine that built an image: a folder, its own name or
// that of its user.
type Forbidden struct {
	// What says what it is, in words for the user: the home folder.
	What string
	Text string
}

// shortest is how many bytes a name has at least that is looked for.
const shortest = 6

// names makes rules of names of the machine, the longest first. Folders are looked for
// if they have two elements: /src and /root are in too many programs. Other names are
// looked for if they are not one word in small letters: runner, debian and localhost
// mean much, and name no machine.
func names(machine []Forbidden) []rule {
	var all []rule
	seen := map[string]bool{}
	for _, f := range machine {
		text := strings.TrimRight(strings.ReplaceAll(f.Text, `\`, "/"), "/")
		id, match := BuildPath, isPath
		elements := strings.Count(text, "/")
		if elements == 0 {
			id, match = MachineName, isName
		}
		bare := strings.IndexFunc(text, func(r rune) bool { return r < 'a' || r > 'z' }) < 0
		if len(text) < shortest || elements == 1 || bare || seen[text] {
			continue
		}
		seen[text] = true
		anchors := []string{text}
		// Windows has paths in two forms: of the compiler and of everybody else.
		if other := strings.ReplaceAll(text, "/", `\`); other != text && text[0] != '/' {
			anchors = append(anchors, other)
		}
		all = append(all, rule{id, f.What, anchors, match})
	}
	slices.SortStableFunc(all, func(a, b rule) int { return cmp.Compare(len(b.anchors[0]), len(a.anchors[0])) })
	return all
}

// isPath tells a folder from the end of a longer path and the beginning of a longer
// name.
func isPath(w window) (int, int, bool) {
	return w.at, w.end, !w.beside(w.at, w.end, urlSafe|nameSign, urlSafe)
}

// isName tells a name from a part of a longer one.
func isName(w window) (int, int, bool) {
	return w.at, w.end, !w.beside(w.at, w.end, word, word)
}
