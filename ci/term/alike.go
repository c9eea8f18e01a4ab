package term

import (
	"fmt"
	"strings"
	"time"
)

// maxAlike is how many cached steps of one kind have a line of their own.
const maxAlike = 5

// alike counts cached steps in a row whose names begin with the same word: a hundred
// programs that did not change are one line.
type alike struct {
	word  string
	shown int
	// more are those without a line, since begun.
	more  int
	begun time.Time
}

// fold tells whether a step that has ended is only counted.
func (t *Terminal) fold(r *openStep, s state) bool {
	word, _, several := strings.Cut(r.name, " ")
	if s != cached || !several || t.o.Verbose {
		return false
	}
	if t.alike.word != word {
		t.alike = alike{word: word}
	}
	if t.alike.shown < maxAlike {
		t.alike.shown++
		return false
	}
	if t.alike.more == 0 {
		t.alike.begun = r.begun
	}
	t.alike.more++
	return true
}

// unfold returns the line of those that were counted, where a step of another kind ended.
func (t *Terminal) unfold(name string) string {
	if word, _, _ := strings.Cut(name, " "); t.alike.more == 0 || word == t.alike.word {
		return ""
	}
	text := t.ended(t.alike.word, cached, t.o.Now().Sub(t.alike.begun), fmt.Sprintf("%d more", t.alike.more))
	t.alike.more = 0
	return text
}
