package dagger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The test binary is the dagger command of these tests, as its environment says.
func TestMain(m *testing.M) {
	switch os.Getenv("DAGGER_TEST") {
	case "":
		os.Exit(m.Run())
	case "opens":
		fmt.Printf(`{"port":%s,"session_token":"token"}`+"\n", os.Getenv("DAGGER_TEST_PORT"))
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "garbage":
		fmt.Println("no JSON")
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "refuses":
		fmt.Fprintln(os.Stderr, "starting\nError: start engine: no driver\n [traceparent:1-2]")
		os.Exit(1)
	case "incompatible": // the words of a dagger command v0.18.0 and an engine v0.21.8
		fmt.Fprintln(os.Stderr, "Error: start session: connect session attachables: unexpected status 500: incompatible client version v0.18.0\n [traceparent:1-2]")
		os.Exit(1)
	case "joins":
		said := make([]byte, len(hello))
		if _, err := io.ReadFull(os.Stdin, said); err != nil || string(said) != hello || strings.Join(os.Args[1:], " ") != os.Getenv("DAGGER_TEST_ARGS") {
			fmt.Fprintln(os.Stderr, "unexpected:", os.Args)
			os.Exit(1)
		}
		fmt.Print("\x00")
		time.Sleep(time.Hour)
	case "hangs":
		fmt.Fprintln(os.Stderr, "waiting for the engine")
		time.Sleep(time.Hour)
	}
}

// command opens a session with a dagger command that behaves so. Only who is to be found
// out has a short limit.
func command(t *testing.T, how string, env ...string) (*session, error) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	limit := time.Minute
	if how == "hangs" || how == "garbage" {
		limit = 3 * time.Second
	}
	return start(t.Context(), self, append(env, "DAGGER_TEST="+how), limit)
}

func TestSession_SendsRequestsWithItsToken(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _, _ := r.BasicAuth()
		fmt.Fprint(w, user)
	}))
	defer server.Close()
	s, err := command(t, "opens", "DAGGER_TEST_PORT="+server.URL[strings.LastIndex(server.URL, ":")+1:])
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.Host()+"/query", nil)
	require.NoError(t, err)
	answer, err := s.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, "token", string(text))
	require.True(t, s.alive())
	require.NoError(t, s.Close())
	require.False(t, s.alive())
}

func TestSession_SaysWhyItWasNotOpened(t *testing.T) {
	t.Parallel()
	for how, want := range map[string]string{
		"refuses":      "the dagger command opened no session: start engine: no driver",
		"incompatible": "the dagger command opened no session: start session: connect session attachables: unexpected status 500: incompatible client version v0.18.0",
		"hangs":        "no session within 3s: waiting for the engine",
		"garbage":      "no session within 3s: it said nothing",
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			_, err := command(t, how)
			require.EqualError(t, err, want)
		})
	}
	_, err := start(t.Context(), "/nowhere/dagger", nil, time.Second)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestSession_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	require.NoError(t, err)
	stopped := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(100*time.Millisecond, func() { cancel(stopped) })
	begin := time.Now()
	_, err = start(ctx, self, []string{"DAGGER_TEST=hangs"}, time.Minute)
	require.ErrorIs(t, err, stopped)
	require.Less(t, time.Since(begin), time.Minute)
}

func TestJoin_WantsBothVariables(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{{"", "x"}, {"port", "x"}, {"1", ""}} {
		_, err := join(c[0], c[1])
		require.Error(t, err)
	}
	s, err := join("1", "x")
	require.NoError(t, err)
	require.True(t, s.alive())
	require.NoError(t, s.Close(), "a session that others opened stays")
}
