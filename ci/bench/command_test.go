package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSteps_TakeWhatAllCommandsTakeTogether(t *testing.T) {
	t.Parallel()
	b := &bench{env: os.Environ(), temp: t.TempDir()}
	wait := func(seconds string) command { return command{args: []string{"sleep", seconds}, own: true} }
	took, err := b.steps(t.Context(), b.temp, [][]command{alone(wait("0.1")), {wait("0.2"), wait("0.2")}})
	require.NoError(t, err)
	require.GreaterOrEqual(t, took.Wall, 0.3)
	require.Positive(t, took.Peak, "the memory of sleep")
	require.Less(t, took.Peak, int64(100_000), "in kilobytes")
}

func TestSteps_EndWithTheProgramThatFails(t *testing.T) {
	t.Parallel()
	b := &bench{env: os.Environ(), temp: t.TempDir()}
	_, err := b.steps(t.Context(), b.temp, [][]command{
		alone(command{args: []string{"sh", "-c", "echo first; echo 'error: no |engine|' >&2; echo 'fix: start one' >&2; exit 40"}}),
		alone(command{args: []string{"touch", b.temp + "/after"}}),
	})
	var failed *failure
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "error: no /engine/", failed.last())
	require.NoFileExists(t, b.temp+"/after")
}
