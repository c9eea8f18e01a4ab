package e2e_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

// moment is when in a request a program is killed.
type moment int

// The registry has not seen the request, has a part of its body, or has all of it and
// the program has no answer.
const (
	before moment = iota
	within
	after
	moments
)

func (m moment) String() string { return [...]string{"before", "within", "after"}[m] }

// A publish that is killed at any point leaves no tag on anything that is not whole,
// and the next one completes it. SLIPWAY_E2E_SEED moves the points.
func TestPublish_KilledAnywhereAndRunAgain(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	seed := uint64(1)
	if text := os.Getenv("SLIPWAY_E2E_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("SLIPWAY_E2E_SEED=%d", seed)
	src := releases(t)
	for _, m := range []struct {
		kind   registryKind
		points int
	}{{kindOf(t, "docker-registry"), 20}, {kindOf(t, "in-process, referrers"), 10}} {
		t.Run(m.kind.name, func(t *testing.T) {
			t.Parallel()
			h := m.kind.open(t)
			earlier := h.publish(t, "whole", src["v1.4.0"]).digest(t, h.repository("whole"))
			h.Proxy.Take()
			digest := h.publish(t, "whole", src["v1.5.0"]).digest(t, h.repository("whole"))
			requests := len(h.Proxy.Take())
			whole := h.requireComplete(t, h.repository("whole"))
			points := rand.New(rand.NewPCG(seed, uint64(m.points)))
			for i := range m.points {
				at, when := 1+points.IntN(requests), moment(points.IntN(int(moments)))
				t.Run(fmt.Sprintf("%s request %d of %d", when, at, requests), func(t *testing.T) {
					name := fmt.Sprintf("tide-%d", i)
					require.Equal(t, earlier, h.publish(t, name, src["v1.4.0"]).digest(t, h.repository(name)))
					h.killed(t, name, src["v1.5.0"], at, when)
					h.requireWhole(t, name, whole, earlier, digest)
					require.Equal(t, digest, h.publish(t, name, src["v1.5.0"]).digest(t, h.repository(name)))
					require.Equal(t, whole, h.requireComplete(t, h.repository(name)))
				})
			}
		})
	}
}

// requireWhole wants each tag on the image that it had or on the one that it should
// have, with all that is said of them.
func (h *harborage) requireWhole(t *testing.T, name string, whole contents, digests ...string) {
	t.Helper()
	got := h.requireComplete(t, h.repository(name))
	for tag, digest := range got.tags {
		require.Contains(t, digests, digest, tag)
		require.Equal(t, whole.said["latest"], got.said[tag], tag)
	}
}

// killed runs publish and kills it at a request. Where it made fewer requests than
// before, it ends by itself.
func (h *harborage) killed(t *testing.T, name, src string, at int, when moment) {
	t.Helper()
	var said bytes.Buffer
	cmd := exec.Command(slipway(t), publishArgs(src, t.TempDir(), h.repository(name))...)
	cmd.Env, cmd.Stdout, cmd.Stderr = environment(t, h.env...), &said, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dead := make(chan struct{})
	kill := sync.OnceFunc(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-dead
	})
	h.Proxy.Take()
	h.Proxy.Between(func(w http.ResponseWriter, r *http.Request, what rig.Request, next http.Handler) {
		if what.N != at {
			next.ServeHTTP(w, r)
			return
		}
		switch when {
		case within:
			r.Body = &half{Reader: io.LimitReader(r.Body, r.ContentLength/2), Closer: r.Body, end: kill}
			next.ServeHTTP(httptest.NewRecorder(), r)
		case after:
			next.ServeHTTP(httptest.NewRecorder(), r)
		}
		kill()
		panic(http.ErrAbortHandler)
	})
	require.NoError(t, cmd.Start())
	err := cmd.Wait()
	close(dead)
	h.Proxy.Idle()
	h.Proxy.Between(nil)
	if err == nil {
		t.Log("it ended by itself")
		return
	}
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	require.True(t, ok && status.Signaled(), "%s", said.String())
}

// half is the first half of a body, and then the connection breaks.
type half struct {
	io.Reader
	io.Closer
	end func()
}

func (h *half) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if err == io.EOF {
		h.end()
		return n, io.ErrUnexpectedEOF
	}
	return n, err
}
