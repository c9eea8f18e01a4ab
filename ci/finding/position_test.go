package finding_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/finding"
)

func TestParsePosition(t *testing.T) {
	t.Parallel()
	type told struct {
		finding.Position
		message string
		ok      bool
	}
	for text, want := range map[string]told{
		"cmd/server/main.go:12:3: undefined: x": {finding.Position{File: "cmd/server/main.go", Line: 12, Column: 3}, "undefined: x", true},
		"./main.go:7: want 1: got 2":            {finding.Position{File: "main.go", Line: 7}, "want 1: got 2", true},
		"tide_test.go:31:":                      {finding.Position{File: "tide_test.go", Line: 31}, "", true},
		"internal/token.go:12":                  {finding.Position{File: "internal/token.go", Line: 12}, "", true},
		"with blanks/a.go:1:2: x":               {finding.Position{File: "with blanks/a.go", Line: 1, Column: 2}, "x", true},
		"/etc/passwd:1: root":                   {},
		"app/tide":                              {},
		"a.go:0: x":                             {},
		"a.go:99999999999: x":                   {},
		"a.go:1x":                               {},
		`C:\a.go:1: x`:                          {},
		"a.go:1: one\ntwo":                      {},
		"":                                      {},
	} {
		at, message, ok := finding.ParsePosition(text)
		require.Equal(t, want, told{at, message, ok}, "%q", text)
	}
}

func TestFirstFrame_IsTheSourcesOwn(t *testing.T) {
	t.Parallel()
	stack := []string{
		"panic: tide", "", "goroutine 7 [running]:", "testing.tRunner(...)",
		"\t/go/src/testing/testing.go:1690 +0xf4", "\tgolang.org/x/net@v0.41.0/html/parse.go:9 +0x1", "\t_testmain.go:47 +0x1",
		"example.com/tide.Rise(...)", "\tinternal/tide/tide.go:19 +0x1d", "\tinternal/tide/tide_test.go:8 +0x1d",
	}
	at, ok := finding.FirstFrame(stack)
	require.True(t, ok)
	require.Equal(t, finding.Position{File: "internal/tide/tide.go", Line: 19}, at)
	_, ok = finding.FirstFrame(stack[:7])
	require.False(t, ok)
}
