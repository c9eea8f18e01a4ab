package trial_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/trial"
	"example.com/slipway/ci/trial/runner"
)

func archive(t *testing.T, config v1.Config) string {
	t.Helper()
	img, err := mutate.Config(empty.Image, config)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "image.tar")
	require.NoError(t, tarball.WriteToFile(file, name.MustParseReference("localhost/tide:1"), img))
	return file
}

func TestOf_TakesWhatTheImageSays(t *testing.T) {
	t.Parallel()
	file := archive(t, v1.Config{
		User: "65532", Entrypoint: []string{"/app/tide"}, Cmd: []string{"--verbose"}, Env: []string{"PATH=/bin", "TIDE=low"}, WorkingDir: "srv", StopSignal: "SIGINT",
	})
	sm := engine.Smoke{
		Archive: file, Config: plan.Config{Ports: []string{"53/udp", "8080/tcp", "9090/tcp"}}, Capabilities: []string{"cap_net_bind_service", "cap_bpf"},
		Smoke: plan.Smoke{Health: "/healthz", Env: []string{"TIDE=high"}}, Wait: time.Minute, StopWithin: time.Second,
	}
	want := runner.Trial{
		Argv: []string{"/app/tide", "--verbose"}, Env: []string{"PATH=/bin", "TIDE=low", "TIDE=high"}, Dir: "/srv", UID: 65532, GID: 65532,
		Capabilities: 1<<10 | 1<<39, Port: 8080, Health: "/healthz", Signal: runner.Signal{Name: "SIGINT", Number: 2},
		Wait: time.Minute, Stop: time.Second, Up: 2 * time.Second, Memory: 512 << 20,
	}
	got, err := trial.Of(sm)
	require.NoError(t, err)
	require.Equal(t, want, got)

	sm.Args = []string{"serve"}
	got, err = trial.Of(sm)
	require.NoError(t, err)
	require.Equal(t, []string{"/app/tide", "serve"}, got.Argv)
}

func TestOf_KnowsUsersAndSignals(t *testing.T) {
	t.Parallel()
	for signal, number := range map[string]int{
		"": 15, "SIGQUIT": 3, "SIGWINCH": 28, "10": 10, "SIGRTMIN": 34, "SIGRTMIN+3": 37, "SIGRTMAX-1": 63, "SIGRTMAX": 64,
	} {
		got, err := trial.Of(engine.Smoke{Archive: archive(t, v1.Config{User: "1000:2000", StopSignal: signal})})
		require.NoError(t, err, signal)
		require.Equal(t, number, got.Signal.Number, signal)
		require.Equal(t, []int{1000, 2000}, []int{got.UID, got.GID})
		require.Equal(t, "/", got.Dir)
	}
}

func TestOf_SaysWhatCannotBeTried(t *testing.T) {
	t.Parallel()
	for want, sm := range map[string]engine.Smoke{
		"the stop signal SIGSTOPPED is not known":       {Archive: archive(t, v1.Config{StopSignal: "SIGSTOPPED"})},
		"no port is known on which to ask for /healthz": {Archive: archive(t, v1.Config{}), Config: plan.Config{Ports: []string{"53/udp"}}, Smoke: plan.Smoke{Health: "/healthz"}},
	} {
		_, err := trial.Of(sm)
		require.ErrorContains(t, err, want)
		require.Equal(t, fault.Unjudged, fault.KindOf(err))
	}
	_, err := trial.Of(engine.Smoke{Archive: "/nowhere.tar"})
	require.ErrorContains(t, err, "reading the image to try")
}

func TestJudge_TellsTheImageFromTheMachine(t *testing.T) {
	t.Parallel()
	smoked, err := trial.Judge(runner.Report{Ready: 3, Stopped: 4, Loose: []string{"may get new privileges"}}, "in docker")
	require.NoError(t, err)
	require.Equal(t, engine.Smoked{How: "in docker, may get new privileges", Ready: 3, Stopped: 4}, smoked)

	_, err = trial.Judge(runner.Report{Fault: "the program is at 100 %", Fix: "mend it", Lines: []string{"oh"}}, "in docker")
	told, ok := errors.AsType[*fault.Error](err)
	require.True(t, ok)
	require.Equal(t, &fault.Error{Kind: fault.Gate, What: "the program is at 100 %", Fix: "mend it", Detail: []string{"oh"}}, told)
	_, err = trial.Judge(runner.Report{Unjudged: true, Fault: "x"}, "")
	require.Equal(t, fault.Unjudged, fault.KindOf(err))
}
