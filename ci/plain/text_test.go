package plain_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/plain"
)

func TestFold_SpreadsWordsOverLines(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sentence    string
		first, next int
		lines       []string
	}{
		"nothing":              {" ", 10, 10, nil},
		"as much as fits":      {"ab cd ef", 5, 5, []string{"ab cd", "ef"}},
		"another first line":   {"ab cd ef", 2, 5, []string{"ab", "cd ef"}},
		"a longer word":        {"ab abcdefg cd", 4, 4, []string{"ab", "abcdefg", "cd"}},
		"letters and no bytes": {"äö üß", 5, 5, []string{"äö üß"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.lines, plain.Fold(c.sentence, c.first, c.next))
		})
	}
}

func TestText_IsFoldedAndCanDoNothing(t *testing.T) {
	t.Parallel()
	text := plain.Text{Width: 10}
	text.Line(text.Paint(plain.Red, "no") + "  ##[error]")
	text.Folded("a: ", "one\x1b[31m two three")
	text.Folded("b: ", "")
	require.Equal(t, "no  # #[error]\na: one two\n   three\n", text.String())
	text = plain.Text{Color: true}
	text.Line(text.Paint(plain.Red, "no") + text.Paint("", "t") + text.Paint(plain.Red, ""))
	require.Equal(t, "\x1b[31mno\x1b[0mt\n", text.String())
}
