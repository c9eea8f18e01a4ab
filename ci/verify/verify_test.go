package verify_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest/sign"
	"example.com/slipway/ci/finding"
	ours "example.com/slipway/ci/registry"
	"example.com/slipway/ci/verify"
)

// outcomes are those of the checks by name.
func outcomes(r *verify.Report) map[string]finding.Outcome {
	all := map[string]finding.Outcome{}
	for _, c := range r.Checks {
		all[c.Name] = c.Outcome
	}
	return all
}

func text(t *testing.T, r *verify.Report) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, r.Text(&b, verify.TextOptions{}))
	return b.String()
}

func TestVerify_PassesWhatPublishMakes(t *testing.T) {
	t.Parallel()
	w := published(t)
	w.serve(t)
	r, err := w.verify(t, w.options(t))
	require.NoError(t, err)
	require.NoError(t, r.Err(), text(t, r))
	require.Equal(t, map[string]finding.Outcome{
		verify.CheckDigests: finding.Passed, verify.CheckImage: finding.Passed, verify.CheckSignature: finding.Passed,
		verify.CheckProvenance: finding.Passed, verify.CheckSBOM: finding.Passed, verify.CheckScan: finding.Passed, verify.CheckRebuild: finding.Skipped,
	}, outcomes(r), text(t, r))
	require.Equal(t, w.index.Digest.String(), r.Digest)
	require.Len(t, r.Images, 2)
	require.Len(t, r.Statements, len(w.statements))
	require.Equal(t, w.plan, r.Origin.Plan)
	t.Log("\n" + text(t, r))
}

// A registry without TLS that has a name is read without TLS throughout, where somebody
// said so, and not at all otherwise.
func TestVerify_ReadsAllOfAPlainRegistryThatHasAName(t *testing.T) {
	t.Parallel()
	w := published(t)
	w.serve(t)
	const named = "registry.example:5000"
	to := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, w.host)
	}}
	t.Cleanup(to.CloseIdleConnections)
	ref, err := verify.Parse(named + "/team/tide:v1")
	require.NoError(t, err)
	for _, plain := range [][]string{nil, {named}} {
		o := w.options(t)
		o.PlainHTTP, o.Transport = plain, to
		o.Repository, err = ours.Open(named+"/team/tide", ours.Options{PlainHTTP: []string{named}, Transport: to})
		require.NoError(t, err)
		r, err := verify.Verify(t.Context(), ref, o)
		if plain == nil {
			requireRegistry(t, err)
			continue
		}
		require.NoError(t, err)
		require.NoError(t, r.Err(), text(t, r))
	}
}

// What is said of an image is read side by side: each of two readers waits for the other.
func TestVerify_ReadsStatementsSideBySide(t *testing.T) {
	t.Parallel()
	w := published(t)
	w.serve(t)
	o := w.options(t)
	o.Repository = &meeting{Repository: o.Repository, second: make(chan struct{})}
	r, err := w.verify(t, o)
	require.NoError(t, err)
	require.NoError(t, r.Err(), text(t, r))
	one, err := w.verify(t, w.options(t))
	require.NoError(t, err)
	require.Equal(t, one.Statements, r.Statements, "always in the same order")
}

// meeting gives no attestation before two are asked for.
type meeting struct {
	verify.Repository
	asked  atomic.Int32
	second chan struct{}
}

func (m *meeting) Blob(ctx context.Context, digest string, limit int64) ([]byte, error) {
	if limit == sign.MaxBundle {
		if m.asked.Add(1) == 2 {
			close(m.second)
		}
		select {
		case <-m.second:
		case <-time.After(time.Minute):
			return nil, errors.New("nobody else came")
		}
	}
	return m.Repository.Blob(ctx, digest, limit)
}
