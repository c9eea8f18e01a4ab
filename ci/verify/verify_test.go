package verify_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/finding"
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
