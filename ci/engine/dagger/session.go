package dagger

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"example.com/slipway/ci/process"
)

// session is a connection to an engine. The SDK could start one by itself, but only
// in the environment of this process, with a time limit of five minutes, and with the
// client's output inside its error.
type session struct {
	http.RoundTripper
	token string
	// Only of a session that was started here.
	cmd   *exec.Cmd
	stdin io.Closer
	said  *tail
	// ended is closed when the client's process has ended.
	ended chan struct{}
}

// parameters are what the client prints about the session that it opened.
type parameters struct {
	Port  int    `json:"port"`
	Token string `json:"session_token"`
}

// join uses the session that dagger run, a module or a nested container has opened.
func join(port, token string) (*session, error) {
	number, err := strconv.Atoi(port)
	if err != nil || token == "" {
		return nil, fmt.Errorf("DAGGER_SESSION_PORT and DAGGER_SESSION_TOKEN do not name a session")
	}
	return newSession(parameters{Port: number, Token: token}), nil
}

func newSession(p parameters) *session {
	dialer := net.Dialer{}
	return &session{token: p.Token, RoundTripper: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p.Port)))
		},
	}}
}

// start lets the dagger command open a session, which lasts until Close. The error
// has what the command said.
func start(ctx context.Context, cli string, env []string, limit time.Duration) (*session, error) {
	// The session outlives the call that opened it: Close ends it, not the context.
	cmd := process.Command(context.WithoutCancel(ctx), cli, "session", "--silent", "--label", "dagger.io/sdk.name:go")
	cmd.Env = env
	said := &tail{}
	cmd.Stderr = said
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	answer := make(chan parameters, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		line, _ := bufio.NewReader(stdout).ReadBytes('\n')
		var p parameters
		if json.Unmarshal(line, &p) == nil && p.Token != "" {
			answer <- p
		}
		_, _ = io.Copy(io.Discard, stdout)
		_ = cmd.Wait()
	}()
	opened := &session{cmd: cmd, stdin: stdin, said: said, ended: ended}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case p := <-answer:
		opened.RoundTripper, opened.token = newSession(p).RoundTripper, p.Token
		return opened, nil
	case <-ended:
		return nil, fmt.Errorf("the dagger command opened no session: %s", said.last())
	case <-timer.C:
		opened.kill()
		return nil, fmt.Errorf("no session within %s: %s", limit, said.last())
	case <-ctx.Done():
		opened.kill()
		return nil, context.Cause(ctx)
	}
}

// Host is what the SDK puts into addresses.
func (s *session) Host() string { return "dagger" }

// Do sends one request to the engine.
func (s *session) Do(r *http.Request) (*http.Response, error) {
	r.SetBasicAuth(s.token, "")
	return s.RoundTrip(r)
}

// Close ends a session that was started here. The client is asked first, so that it
// leaves the engine in order.
func (s *session) Close() error {
	if s.cmd == nil {
		return nil
	}
	_ = s.stdin.Close()
	select {
	case <-s.ended:
	case <-time.After(20 * time.Second):
		s.kill()
	}
	return nil
}

func (s *session) kill() {
	_ = s.cmd.Cancel()
	<-s.ended
}

// alive tells whether the client is still there. Without it the engine is out of reach.
func (s *session) alive() bool {
	if s.cmd == nil {
		return true
	}
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

// tailLimit bounds what is kept of a client's last words, in bytes.
const tailLimit = 16 << 10

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-tailLimit):]
	return len(p), nil
}

// last is the last line that says something.
func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	// The command ends what it says with the number of its trace, on a line of its own or not.
	text, _, _ := strings.Cut(string(t.text), " [traceparent:")
	said := strings.Split(strings.TrimSpace(text), "\n")
	return cmp.Or(strings.TrimPrefix(strings.TrimSpace(said[len(said)-1]), "Error: "), "it said nothing")
}
