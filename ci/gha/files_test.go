package gha_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/gha"
	"example.com/slipway/ci/receipt"
)

func TestFinish_AppendsTheSummary(t *testing.T) {
	t.Parallel()
	j := begin(t)
	require.NoError(t, os.WriteFile(j.env["GITHUB_STEP_SUMMARY"], []byte("before\n"), 0o600))
	j.Mask("tide-secret")
	require.NoError(t, j.Finish(nil, gha.Finish{Markdown: []byte("## tide: passed\n\ntide-secret\n")}))
	require.Equal(t, "before\n## tide: passed\n\n***\n", j.file(t, "GITHUB_STEP_SUMMARY"))
}

func TestFinish_CutsTheSummaryAtALine(t *testing.T) {
	t.Parallel()
	row := strings.Repeat("x", 99) + "\n"
	for _, before := range []int{0, 100, 300_000, gha.MaxSummary - 400} {
		j := begin(t)
		require.NoError(t, os.WriteFile(j.env["GITHUB_STEP_SUMMARY"], []byte(strings.Repeat("b", before)), 0o600))
		require.NoError(t, j.Finish(nil, gha.Finish{Markdown: []byte(strings.Repeat(row, 11_000))}))
		text := j.file(t, "GITHUB_STEP_SUMMARY")
		require.LessOrEqual(t, len(text), gha.MaxSummary)
		require.Greater(t, len(text), gha.MaxSummary-300)
		require.True(t, strings.HasSuffix(text, "x\n\nThe rest is left out, because the summary of a step has at most 1 MiB.\n"), "%q", text[len(text)-200:])
	}
	whole := strings.Repeat(row, 10_485) + strings.Repeat("y", 75)
	j := begin(t)
	require.NoError(t, j.Finish(nil, gha.Finish{Markdown: []byte(whole)}))
	require.Equal(t, whole+"\n", j.file(t, "GITHUB_STEP_SUMMARY"), "exactly 1 MiB is taken")
	for _, before := range []int{gha.MaxSummary - 20, gha.MaxSummary, gha.MaxSummary * 2} {
		j := begin(t)
		j.wrote()
		require.NoError(t, os.WriteFile(j.env["GITHUB_STEP_SUMMARY"], []byte(strings.Repeat("b", before)), 0o600))
		require.NoError(t, j.Finish(nil, gha.Finish{Markdown: []byte(row + row)}))
		require.Len(t, j.file(t, "GITHUB_STEP_SUMMARY"), before)
		require.Equal(t, "note: the summary is left out: the step's own has no room for it\n", j.wrote())
	}
}

func TestFinish_WithoutFilesIsNoPanic(t *testing.T) {
	t.Parallel()
	j := begin(t)
	j.wrote()
	j.env["GITHUB_OUTPUT"], j.env["GITHUB_STEP_SUMMARY"] = "", ""
	require.NoError(t, j.Finish(&receipt.Receipt{}, gha.Finish{Markdown: []byte("x")}))
	require.Equal(t, "note: GITHUB_STEP_SUMMARY is not set, so nothing is written there\nnote: GITHUB_OUTPUT is not set, so nothing is written there\n", j.wrote())
	dir := t.TempDir()
	for _, file := range []string{dir, dir + "/none", dir + "/none/none", "a\x00b"} {
		j.env["GITHUB_OUTPUT"], j.env["GITHUB_STEP_SUMMARY"] = file, file
		err := j.Finish(&receipt.Receipt{}, gha.Finish{Markdown: []byte("x")})
		require.Len(t, fault.Tell(err), 2, file)
		require.Equal(t, fault.Usage, fault.KindOf(err))
	}
	require.NoFileExists(t, dir+"/none")
	if os.Geteuid() != 0 {
		j := begin(t)
		require.NoError(t, os.Chmod(j.env["GITHUB_STEP_SUMMARY"], 0o400))
		require.ErrorContains(t, j.Finish(nil, gha.Finish{Markdown: []byte("x")}), "GITHUB_STEP_SUMMARY")
	}
}

func TestFinish_SetsOutputs(t *testing.T) {
	t.Parallel()
	j := begin(t)
	r := &receipt.Receipt{
		Verdict: receipt.Passed,
		Images:  []receipt.Image{{Name: "tide", Digest: "sha256:aa"}, {Name: "ebb", Digest: "sha256:bb"}},
		Run: receipt.Run{Replay: "publish@4f2c", Publications: []receipt.Publication{
			{Repository: "ghcr.io/team/late", Digest: "sha256:aa", State: receipt.Incomplete, Tags: []receipt.Tag{{Name: "v1", Outcome: receipt.TagCreated}}},
			{Repository: "ghcr.io/team/tide", Digest: "sha256:aa", State: receipt.Published, Attestations: []receipt.Attestation{{Type: attest.CycloneDX, Digest: "sha256:cc"}, {Type: attest.SPDX, Digest: "sha256:dd"}, {Type: attest.SPDX}}, Tags: []receipt.Tag{{Name: "v1.2.0", Outcome: receipt.TagCreated}, {Name: "latest", Outcome: receipt.TagKept}, {Name: "v1", Outcome: receipt.TagMoved}}},
			{Repository: "[::1]:5000/ebb", Digest: "sha256:bb", State: receipt.Unchanged, Tags: []receipt.Tag{{Name: "v1", Outcome: receipt.TagUnchanged}}},
		}},
	}
	require.NoError(t, j.Finish(r, gha.Finish{Receipt: "with blanks/receipt.json"}))
	golden(t, "output.golden", j.file(t, "GITHUB_OUTPUT"))
}

func TestFinish_LeavesUnsafeOutputsOut(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"lines": "a\nevil=1", "carriage return": "a\revil=1", "delimiter": gha.Delimiter, "delimiter inside": "a\n" + gha.Delimiter + "\nevil=1",
		"control": "a\x1b[31m", "direction": "a\u202eb", "secret": "path/tide-secret/x",
	} {
		j := begin(t)
		j.Mask("tide-secret")
		j.wrote()
		r := &receipt.Receipt{Verdict: receipt.Passed, Run: receipt.Run{Publications: []receipt.Publication{
			{Repository: "ghcr.io/team/" + value, Digest: "sha256:aa", State: receipt.Published}, {Repository: "b", Digest: "sha256:bb", State: receipt.Published},
		}}}
		require.NoError(t, j.Finish(r, gha.Finish{Receipt: value}), name)
		require.Equal(t, "verdict<<"+gha.Delimiter+"\npassed\n"+gha.Delimiter+"\n", j.file(t, "GITHUB_OUTPUT"), name)
		require.Equal(t, "note: the output image is left out: its value is no plain text\nnote: the output images is left out: its value is no plain text\nnote: the output receipt is left out: its value is no plain text\n", j.wrote(), name)
	}
}
