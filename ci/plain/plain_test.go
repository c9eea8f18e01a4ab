package plain_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/plain"
)

func TestLine_KeepsWhatPrints(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                "",
		"ebb and flood":                   "ebb and flood",
		"trailing  ":                      "trailing",
		"a\tb":                            "a    b",
		"a\nb":                            "a b",
		"\x1b[31mred\x1b[0m":              "red",
		"\x1b]0;title\x07left":            "left",
		"\x1b]8;;http://x\x1b\\link":      "link",
		"turned \u202eback":               "turned back",
		"zero\u200bwidth":                 "zerowidth",
		"not UTF-8 \xff\xfe":              "not UTF-8",
		"Größe 世界":                        "Größe 世界",
		strings.Repeat("x", 5000):         strings.Repeat("x", 4096) + "...",
		"bell\a, backspace\b, delete\x7f": "bell, backspace, delete",
	} {
		require.Equal(t, want, plain.Line(text), "%q", text)
	}
}

func TestLog_GivesNoOrders(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"::error::x":                ": :error::x",
		"  ::add-mask::x":           "  : :add-mask::x",
		"##[group]x":                "# #[group]x",
		"a ##vso[task.setvariable]": "a # #vso[task.setvariable]",
		"a::b":                      "a::b",
		"## heading":                "## heading",
	} {
		require.Equal(t, want, plain.Log(text), "%q", text)
	}
}

func FuzzLine(f *testing.F) {
	f.Add("\x1b[31mred\n\xff")
	f.Fuzz(func(t *testing.T, text string) {
		line := plain.Line(text)
		require.True(t, utf8.ValidString(line))
		for _, r := range line {
			require.True(t, unicode.IsPrint(r), "%q in %q", r, line)
		}
		require.NotContains(t, plain.Log(line), "##[")
	})
}

func TestCount_IsEnglish(t *testing.T) {
	t.Parallel()
	require.Equal(t, "0 lines, 1 line, 2 lines", plain.Count(0, "line")+", "+plain.Count(1, "line")+", "+plain.Count(2, "line"))
}
