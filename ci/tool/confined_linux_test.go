package tool_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/tool"
)

// script is a shell script that runs confined in a folder of its own.
func script(t *testing.T, text string) (tool.Confined, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	dir := t.TempDir()
	name := filepath.Join(t.TempDir(), "script")
	require.NoError(t, os.WriteFile(name, []byte("#!/bin/sh\n"+text), 0o755))
	return tool.Confined{Program: name, Dir: dir, Temp: dir, Stdout: &out, Stderr: &out}, &out
}

func TestConfined_HasNoNetwork(t *testing.T) {
	t.Parallel()
	c, out := script(t, "cat /proc/self/net/dev\n")
	s := &recorder{}
	code, err := c.Run(t.Context(), s)
	require.NoError(t, err)
	require.Zero(t, code)
	rig.Need(t, len(s.lines) == 0, "this machine lets no program have namespaces: %s", s.lines)
	require.Equal(t, 1, strings.Count(out.String(), ":"), "%s", out)
	require.Contains(t, out.String(), "lo:")
}

func TestConfined_SeesNothingOfTheUser(t *testing.T) {
	t.Parallel()
	c, out := script(t, "env -0 | tr '\\0' '\\n' | grep -v -e ^_= -e ^SHLVL=; pwd\n")
	c.Options = tool.Options{Env: []string{"TRIVY_EXIT_CODE=0", "GITHUB_TOKEN=secret", "HTTPS_PROXY=http://proxy"}}
	_, err := c.Run(t.Context(), &recorder{})
	require.NoError(t, err)
	for line := range strings.Lines(out.String()) {
		require.Regexp(t, `^(HOME|USERPROFILE|PWD|TMPDIR|TMP|TEMP)=`+c.Dir+`\n$|^PATH=/usr/bin:/bin\n$|^`+c.Dir+`\n$`, line)
	}
}

func TestConfined_TellsHowItEnded(t *testing.T) {
	t.Parallel()
	c, _ := script(t, "exit 7\n")
	code, err := c.Run(t.Context(), &recorder{})
	require.NoError(t, err)
	require.Equal(t, 7, code)
	c.Program = filepath.Join(c.Dir, "missing")
	_, err = c.Run(t.Context(), &recorder{})
	require.ErrorContains(t, err, "starting it")
}

func TestConfined_TellsThatTheSystemEndedIt(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: left out by -short")
	}
	// The first process of a namespace is deaf to its own signals.
	c, _ := script(t, "ulimit -t 1; while :; do :; done\n")
	_, err := c.Run(t.Context(), &recorder{})
	require.ErrorContains(t, err, "ended by the system")
}

// called is what is called when a program says something.
type called func()

func (c called) Write(text []byte) (int, error) {
	c()
	return len(text), nil
}

func TestConfined_EndsWithAllThatItStarted(t *testing.T) {
	t.Parallel()
	c, _ := script(t, "setsid sleep 300 &\necho started; sleep 300\n")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c.Stdout = called(cancel)
	start := time.Now()
	_, err := c.Run(ctx, &recorder{})
	require.Error(t, err)
	require.Less(t, time.Since(start), time.Minute)
}
