package e2e_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/receipt"
)

// both are the engines with the same judges.
type both struct {
	*lab
	judges *judges
}

func (b *both) check(t *testing.T, engine, src string, args ...string) (rig.Result, *receipt.Receipt) {
	t.Helper()
	out := t.TempDir()
	env := b.judges.env
	if engine == "dagger" {
		env = append(slices.Clone(b.engine.Env), "SLIPWAY_CACHE="+cacheDir(t))
	}
	call := slices.Concat([]string{"check", "--engine", engine, "--src", src, "--output", out}, b.pins(), b.judges.args(), args)
	r := rig.Run(t, "", env, slipway(t), call...)
	return r, readReceipt(t, out)
}

// requireSameReceipts wants what judges an image to find the same in both engines.
func requireSameReceipts(t *testing.T, l *lab) {
	b := &both{lab: l, judges: newJudges(t, time.Now().Add(-time.Hour))}
	b.judges.databases = append(b.judges.databases, "--scanner", b.images.Scanner(t))
	t.Run("in the sample, which passes", func(t *testing.T) {
		t.Parallel()
		sample := filepath.Join(t.TempDir(), "slipway")
		checkout(t, sample)
		requireSame(t, b, sample, 0)
	})
	t.Run("and builds again without any cache", func(t *testing.T) {
		t.Parallel()
		requireTwice(t, b)
	})
	// The same module in three programs: one calls what is vulnerable, one has its
	// package, one requires it.
	for reach, file := range map[finding.Reach]string{
		finding.Called:   "package main\n\nimport \"golang.org/x/text/language\"\n\nfunc start() { language.ParseAcceptLanguage(\"en\") }\n",
		finding.Imported: "package main\n\nimport \"golang.org/x/text/language\"\n\nfunc start() { _ = language.English }\n",
		finding.Present:  "package main\n\nimport \"golang.org/x/text/width\"\n\nfunc start() { _ = width.Narrow.String(\"a\") }\n",
	} {
		t.Run("in a program where it is "+string(reach), func(t *testing.T) {
			t.Parallel()
			src := write(t, "harbour", moored(t, map[string]string{
				"start.go": file, "go.mod": harbour["go.mod"] + "\nrequire golang.org/x/text v0.3.7\n", "go.sum": textSums,
			}))
			got := requireSame(t, b, src, 20, "--platform", "linux/amd64")
			require.Len(t, got.Findings, 1)
			f := got.Findings[0]
			require.Equal(t, "CVE-2022-32149", f.ID)
			require.Equal(t, reach, f.Reach)
			require.Equal(t, "go get golang.org/x/text@v0.3.8 && go mod tidy", f.Fix)
			require.Equal(t, reach == finding.Called, len(f.Trace) > 0)
		})
	}
}

var textSums = sounding["go.sum"][strings.Index(sounding["go.sum"], "golang.org/x/text"):]

// requireSame wants the same receipt from both engines, but for what a run has of its own.
func requireSame(t *testing.T, b *both, src string, code int, args ...string) *receipt.Receipt {
	t.Helper()
	var receipts []*receipt.Receipt
	for _, engine := range []string{"local", "dagger"} {
		r, got := b.check(t, engine, src, args...)
		require.Equal(t, code, r.Code, "%s: %s", engine, r.Stderr)
		require.NotNil(t, got)
		require.Equal(t, engine, got.Run.Engine)
		got.Run = receipt.Run{}
		// The stand-in for the builder has no C compiler, and this machine has.
		got.Gates[0].Summary, _, _ = strings.Cut(got.Gates[0].Summary, ", with")
		got.Tests.Race, got.Tests.NoRace, got.Tests.Exposed = false, "", ""
		for i := range got.Tests.Packages {
			got.Tests.Packages[i].Seconds = 0
			for j := range got.Tests.Packages[i].Tests {
				got.Tests.Packages[i].Tests[j].Seconds = 0
			}
		}
		receipts = append(receipts, got)
	}
	require.Equal(t, receipts[0], receipts[1])
	return receipts[0]
}

// requireTwice wants a second build in the Dagger engine that has nothing of the first:
// it gives the sample again, and tells on a service that is another one each time.
func requireTwice(t *testing.T, b *both) {
	t.Helper()
	sample := filepath.Join(t.TempDir(), "slipway")
	checkout(t, sample)
	for _, c := range []struct {
		src     string
		code    int
		outcome finding.Outcome
	}{
		{sample, 0, finding.Passed},
		{write(t, "harbour", with(harbour, changing)), 20, finding.Failed},
	} {
		r, got := b.check(t, "dagger", c.src, "--gate", finding.GateReproducible, "--twice", "--allow-exec", "--platform", "linux/amd64")
		require.Equal(t, c.code, r.Code, r.Stderr)
		for _, g := range got.Gates {
			if g.Name == finding.GateReproducible {
				require.Equal(t, c.outcome, g.Outcome, "%+v", g)
			} else {
				require.Equal(t, finding.Skipped, g.Outcome, "%+v", g)
			}
		}
	}
}
