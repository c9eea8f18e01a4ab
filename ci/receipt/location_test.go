package receipt_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/receipt"
)

func TestDeclared_IsWhatSaysTheVersion(t *testing.T) {
	t.Parallel()
	of := func(kind string) finding.Finding {
		return finding.Finding{Image: "tide", Package: &finding.Package{Kind: kind}}
	}
	mod := finding.Position{File: "go.mod", Line: 1}
	for _, c := range []struct {
		name          string
		finding       finding.Finding
		builder, base string
		want          finding.Position
		ok            bool
	}{
		{"module", of("gomod"), "", "", mod, true},
		{"standard library", of("stdlib"), "build/Dockerfile:3", "", finding.Position{File: "build/Dockerfile", Line: 3}, true},
		{"standard library of the embedded pin", of("stdlib"), "the default", "", mod, true},
		{"base", of("deb"), "Dockerfile:3", "Dockerfile:9", finding.Position{File: "Dockerfile", Line: 9}, true},
		{"base of a file without a line", of("deb"), "", ".slipway.yaml", finding.Position{File: ".slipway.yaml", Line: 1}, true},
		{"base of a flag", of("deb"), "", "--base", finding.Position{}, false},
		{"base of another file", of("deb"), "", "/etc/passwd", finding.Position{}, false},
		{"source", finding.Finding{}, "", "", mod, true},
		{"image", finding.Finding{Image: "tide"}, "", "", finding.Position{}, false},
	} {
		at, ok := (&receipt.Receipt{Origins: map[string]string{"builder": c.builder, "base": c.base}}).Declared(c.finding)
		require.Equal(t, c.ok, ok, c.name)
		if ok {
			require.Equal(t, c.want, at, c.name)
		}
	}
}
