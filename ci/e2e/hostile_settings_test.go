package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

// What a user sets with the linker is in the program as it was typed, whatever it
// looks like, and sets nothing else.
func TestHostile_SettingsAreInTheProgramAsTheyWereTyped(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	x := newTrap(t)
	src := module(t, nil)
	for i, value := range []string{
		"x -extld=" + x.program, "-extld=" + x.program, "-X main.commit=evil", "' -X 'main.commit=evil", `" -X "main.commit=evil`, "it's", `say "hi"`,
		"$(" + x.program + ")", "`" + x.program + "`", "; " + x.program, "| " + x.program, `\`, `\n`, `a\\b`, " around ", "--", "=", "%s%n", "é☃ 潮", "*", "~", "", "@" + secret,
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			out := t.TempDir()
			digestOf(t, buildSource(t, 8*time.Minute, src, environment(t), "--output", out, "--set", "main.note="+value, "--set", "main.commit=tide"))
			_, img := oneImage(t, out)
			program := filepath.Join(out, "program")
			require.NoError(t, os.WriteFile(program, programsOf(t, img)["app/tide"], 0o755))
			r := rig.Run(t, "", nil, program)
			require.Zero(t, r.Code)
			require.Equal(t, value+"\ntide\n", r.Stderr)
			x.requireUntouched(t)
		})
	}
}
