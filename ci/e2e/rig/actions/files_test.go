package actions

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParsePairs_ReadsAsTheRunnerDoes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want []Pair
		err  string
	}{
		"lines":                       {text: "a=1\n\nb=2=3\nc=", want: []Pair{{"a", "1"}, {"b", "2=3"}, {"c", ""}}},
		"several lines":               {text: "a<<END\nx\n\ny=z\nEND\nb=1\n", want: []Pair{{"a", "x\n\ny=z"}, {"b", "1"}}},
		"empty value":                 {text: "a<<END\nEND\n", want: []Pair{{"a", ""}}},
		"equals sign first":           {text: "a=b<<c\n", want: []Pair{{"a", "b<<c"}}},
		"equals sign in a delimiter":  {text: "a<<E=F\nx\nE=F", want: []Pair{{"a", "x"}}},
		"a carriage return stays":     {text: "a=1\r\n", want: []Pair{{"a", "1\r"}}},
		"no delimiter":                {text: "b=1\na<<END\nx\n", want: []Pair{{"b", "1"}}, err: "delimiter not found"},
		"neither":                     {text: "a\n", err: "invalid format"},
		"no name":                     {text: "<<END\nEND\n", err: "invalid format"},
		"a delimiter of a forged one": {text: "a<<END\nx\nEND \nEND\n", want: []Pair{{"a", "x\nEND "}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ParsePairs(c.text)
			require.Equal(t, c.want, got)
			if c.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.err)
			}
		})
	}
}

func FuzzParsePairs(f *testing.F) {
	f.Add("a=1\nb<<E\nx\nE\n")
	f.Fuzz(func(_ *testing.T, text string) { _, _ = ParsePairs(text) })
}
