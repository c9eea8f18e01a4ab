package container_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/container"
	"example.com/slipway/ci/fault"
)

// The real runtimes are in ci/e2e. Here a script stands for one that fails.
func runtimes(t *testing.T, scripts map[string]string) []string {
	t.Helper()
	dir := t.TempDir()
	for name, script := range scripts {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755))
	}
	return []string{"PATH=" + dir}
}

const works = `case $1 in version) echo linux/amd64;; info) echo linux/arm64;; *) echo "$1: no space left" >&2; exit 125;; esac`

func TestFind_TakesTheFirstThatAnswers(t *testing.T) {
	t.Parallel()
	rt, err := container.Find(t.Context(), runtimes(t, map[string]string{"docker": works, "podman": works}))
	require.NoError(t, err)
	require.Equal(t, "docker", rt.Name)
	require.Equal(t, "linux/amd64", rt.Platform.String())

	env := runtimes(t, map[string]string{"docker": `echo "Cannot connect to the Docker daemon" >&2; exit 1`, "podman": works})
	rt, err = container.Find(t.Context(), env)
	require.NoError(t, err)
	require.Equal(t, "podman", rt.Name)
	require.Equal(t, "linux/arm64", rt.Platform.String())

	_, err = container.Find(t.Context(), append(env, "SLIPWAY_RUNTIME=docker"))
	require.Equal(t, fault.Engine, fault.KindOf(err))
}

func TestFind_SaysWhatEachRuntimeSaid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scripts map[string]string
		env     string
		says    string
	}{
		"none":    {nil, "", "podman: not on PATH"},
		"down":    {map[string]string{"docker": `echo "Cannot connect to the Docker daemon" >&2; exit 1`}, "", "docker: Cannot connect to the Docker daemon"},
		"strange": {map[string]string{"docker": "echo windows/amd64"}, "", `docker: platform "windows/amd64"`},
		"empty":   {map[string]string{"docker": "true"}, "", `docker: "" is not a platform`},
		"unknown": {nil, "SLIPWAY_RUNTIME=rkt", `"rkt", which is neither docker nor podman`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := container.Find(t.Context(), append(runtimes(t, c.scripts), c.env))
			f, ok := errors.AsType[*fault.Error](err)
			require.True(t, ok)
			require.Equal(t, fault.Engine, f.Kind)
			require.Contains(t, joined(f.Detail), c.says)
			require.NotEmpty(t, f.Fix)
		})
	}
}

func joined(lines []string) string {
	all := ""
	for _, line := range lines {
		all += line + "\n"
	}
	return all
}

func TestRuntime_PassesOnWhatWentWrong(t *testing.T) {
	t.Parallel()
	rt, err := container.Find(t.Context(), runtimes(t, map[string]string{"docker": works}))
	require.NoError(t, err)
	err = rt.Load(t.Context(), "image.tar")
	require.Equal(t, fault.Engine, fault.KindOf(err))
	require.ErrorContains(t, err, "loading the image: docker said: load: no space left")
	_, err = rt.Start(t.Context(), container.Spec{Image: "localhost/x:1", Ports: []string{"8080/tcp"}})
	require.ErrorContains(t, err, "starting the container: docker said: run: no space left")
}
