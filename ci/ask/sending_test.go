package ask_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/ask"
)

// slow is a body of n bytes, each of which takes a while.
type slow struct {
	n     int
	pause time.Duration
}

func (s *slow) Read(p []byte) (int, error) {
	if s.n == 0 {
		return 0, io.EOF
	}
	time.Sleep(s.pause)
	s.n--
	p[0] = 'x'
	return 1, nil
}

// A registry that takes what is sent is not silent, however long that lasts; one that
// then does not answer is.
func TestTransport_LetsSlowUploadsThrough(t *testing.T) {
	t.Parallel()
	for path, silent := range map[string]bool{"/": false, "/silent": true} {
		// The clock of a bubble stands still while somebody works: pauses have their length
		// on every machine.
		synctest.Test(t, func(t *testing.T) {
			const stall = 500 * time.Millisecond
			client := &http.Client{Transport: &ask.Transport{Inner: takes(t), Wait: stall, Stall: stall}}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://registry.example"+path, &slow{n: 10, pause: stall / 5})
			require.NoError(t, err)
			resp, err := client.Do(req)
			if err == nil {
				resp.Body.Close()
			}
			require.Equal(t, silent, errors.Is(err, ask.ErrStalled) || errors.Is(err, ask.ErrSilent), "%s: %v", path, err)
		})
	}
}

// takes is a way to a registry in memory that takes what is sent, and then may be silent.
func takes(t *testing.T) *http.Transport {
	t.Helper()
	listener := &pipes{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		if req.URL.Path == "/silent" {
			<-req.Context().Done()
		}
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		listener.conns <- far
		return near, nil
	}}
}

// pipes is a listener in memory: what waits for a network is not in a bubble.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "unix"} }
