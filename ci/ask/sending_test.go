package ask_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
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
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		if req.URL.Path == "/silent" {
			<-req.Context().Done()
		}
	}))
	t.Cleanup(server.Close)
	const stall = 500 * time.Millisecond
	for path, silent := range map[string]bool{"/": false, "/silent": true} {
		client := &http.Client{Transport: &ask.Transport{Inner: http.DefaultTransport, Wait: stall, Stall: stall}}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, server.URL+path, &slow{n: 10, pause: stall / 5})
		require.NoError(t, err)
		resp, err := client.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		require.Equal(t, silent, errors.Is(err, ask.ErrStalled) || errors.Is(err, ask.ErrSilent), "%s: %v", path, err)
	}
}
