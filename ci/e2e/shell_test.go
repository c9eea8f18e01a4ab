package e2e_test

import (
	"bytes"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

// terminal has what a program has shown so far, and answers as a terminal does.
type terminal struct {
	keys  io.Writer
	mu    sync.Mutex
	shown bytes.Buffer
}

// answers are to where the cursor is, and to what the terminal is.
var answers = map[string]string{"\x1b[6n": "\x1b[1;1R", "\x1b[c": "\x1b[?62c"}

func (w *terminal) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for question, answer := range answers {
		if bytes.Contains(text, []byte(question)) {
			_, _ = io.WriteString(w.keys, answer)
		}
	}
	return w.shown.Write(text)
}

func (w *terminal) has(text string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return bytes.Contains(w.shown.Bytes(), []byte(text))
}

// atTerminal runs a program at a terminal, types lines when a text has been shown, and
// returns all that was shown when the program has ended.
func atTerminal(t *testing.T, env []string, prompt, lines string, argv ...string) string {
	t.Helper()
	// script takes a command for the shell; what varies reaches it as variables.
	var words []string
	env = slices.Clone(env)
	for i, arg := range argv {
		name := "WORD" + string(rune('A'+i))
		env, words = append(env, name+"="+arg), append(words, `"$`+name+`"`)
	}
	cmd := exec.CommandContext(t.Context(), rig.Program(t, "script", "bsdutils"), "--quiet", "--return", "--command", strings.Join(words, " "), "/dev/null")
	cmd.Env = append(env, "TERM=xterm", "SHELL=/bin/sh")
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	w := &terminal{keys: stdin}
	cmd.Stdout, cmd.Stderr = w, w
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	rig.Eventually(t, 3*time.Minute, prompt+" is shown", func() bool { return w.has(prompt) || len(ended) > 0 })
	_, err = stdin.Write([]byte(lines))
	require.NoError(t, err)
	select {
	case err := <-ended:
		require.NoError(t, err, w.shown.String())
	case <-time.After(3 * time.Minute):
		_ = cmd.Process.Kill()
		t.Fatal(w.shown.String())
	}
	return w.shown.String()
}

// requireShell wants reproduce --shell to leave a user where the failed step ran.
func requireShell(t *testing.T, l *lab) {
	t.Helper()
	src := write(t, "harbour", with(harbour, map[string]string{"start_test.go": "package main\n\nimport \"testing\"\n\nfunc TestStart(t *testing.T) { t.Error(\"adrift\") }\n"}))
	out := t.TempDir()
	args := slices.Concat([]string{"check", "--gate", "tests", "--engine", "local", "--src", src, "--output", out}, l.pins())
	r := rig.Run(t, "", environment(t), slipway(t), args...)
	require.Equal(t, 11, r.Code, r.Stderr)
	shell := func(t *testing.T, env []string, engine, prompt, lines string) string {
		t.Helper()
		return atTerminal(t, env, prompt, lines, slices.Concat([]string{slipway(t), "reproduce", "--shell", "--engine", engine, "--src", src, filepath.Join(out, "report", "receipt.json")}, l.images.Mirrors())...)
	}
	t.Run("in the builder's container", func(t *testing.T) {
		env := append(slices.Clone(l.engine.Env), "SLIPWAY_CACHE="+cacheDir(t))
		said := shell(t, env, "dagger", "/src\x1b[0m $ ", "pwd; go env GOVERSION GOCACHE; go test . | grep adrift; exit\n")
		require.Contains(t, said, "what failed: go test")
		require.Regexp(t, `(?s)/src\r?\n.*go1\.26\.9\r?\n/go/build\r?\n.*start_test.go:5: adrift`, said)
	})
	t.Run("in the checkout", func(t *testing.T) {
		said := shell(t, environment(t), "local", "what failed", "git status --porcelain; go env GOVERSION; go test . | grep adrift; exit\n")
		require.NotContains(t, said, " D ")
		require.Regexp(t, `(?s)go1\.26\.9\r?\n.*start_test.go:5: adrift`, said)
	})
}
