package verify_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/verify"
)

var update = flag.Bool("update", false, "write the golden files again")

func report() *verify.Report {
	digest := "sha256:" + strings.Repeat("0c", 32)
	return &verify.Report{
		Reference: "ghcr.io/team/tide:v1.2.3", Digest: digest, Verdict: finding.Failed,
		Images: []verify.Image{
			{Platform: plan.Platform{OS: "linux", Arch: "amd64"}, Digest: digest, Compressed: 3_200_000},
			{Platform: plan.Platform{OS: "linux", Arch: "arm64"}, Digest: digest},
		},
		Checks: []finding.Gate{
			{Name: verify.CheckDigests, Outcome: finding.Passed, Summary: "the index, 2 images with their configurations, and 4 layers are what their digests say"},
			{Name: verify.CheckImage, Outcome: finding.Passed, Summary: "nothing that stops it, 1 finding noted: slipway inspect lists them"},
			{Name: verify.CheckSignature, Outcome: finding.Passed, Summary: "signed by https://github.com/team/tide/.github/workflows/release.yml@refs/tags/v1.2.3 (https://token.actions.githubusercontent.com)"},
			{Name: verify.CheckProvenance, Outcome: finding.Failed, Summary: "it was built by \x1b[31mme\x1b[0m\n::error::owned", Fix: "find out who published it, and from what: it is not what was expected"},
			{Name: verify.CheckSBOM, Outcome: finding.Failed, Summary: "SPDX for linux/amd64: there is none, and 1 more", Fix: "publish it again",
				Detail: []string{"SPDX for linux/amd64: there is none", "CycloneDX for linux/arm64: it does not list what is in the image: example.com/moon@v1.0.0, and it lists what is not in the image: example.com/sun@v1.0.0"}},
			{Name: verify.CheckScan, Outcome: finding.Skipped, Summary: "nobody asks for a scan, and there is none"},
			{Name: verify.CheckRebuild, Outcome: finding.Unjudged, Summary: "there is no Dagger engine", Fix: "start one"},
		},
	}
}

func TestText_IsPleasantToRead(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]verify.TextOptions{"wide": {}, "narrow": {Width: 60}} {
		var b bytes.Buffer
		require.NoError(t, report().Text(&b, o))
		golden := filepath.Join("testdata", "report."+name+".golden")
		if *update {
			require.NoError(t, os.WriteFile(golden, b.Bytes(), 0o644))
		}
		want, err := os.ReadFile(golden)
		require.NoError(t, err)
		require.Equal(t, string(want), b.String())
	}
}

// Colours only repeat what a word says.
func TestText_SaysTheSameInColours(t *testing.T) {
	t.Parallel()
	var plain, colored bytes.Buffer
	require.NoError(t, report().Text(&plain, verify.TextOptions{}))
	require.NoError(t, report().Text(&colored, verify.TextOptions{Color: true}))
	require.Contains(t, colored.String(), "\x1b[31mfailed\x1b[0m")
	require.Equal(t, plain.String(), strings.NewReplacer("\x1b[31m", "", "\x1b[32m", "", "\x1b[33m", "", "\x1b[2m", "", "\x1b[0m", "").Replace(colored.String()))
}

func TestErr_NamesWhatFails(t *testing.T) {
	t.Parallel()
	r := report()
	require.EqualError(t, r.Err(), "ghcr.io/team/tide:v1.2.3 fails the checks provenance and sbom: each check says what to do")
	r.Checks = r.Checks[:4]
	require.ErrorContains(t, r.Err(), "fails the check provenance: ")
	r.Checks = r.Checks[:3]
	require.NoError(t, r.Err())
}

func TestParse_TakesImagesInRegistriesOnly(t *testing.T) {
	t.Parallel()
	digest := "@sha256:" + strings.Repeat("0c", 32)
	for _, good := range []string{"ghcr.io/team/tide:v1", "127.0.0.1:5000/tide" + digest, "docker.io/team/tide:v1", "localhost:5000/a/b:c"} {
		_, err := verify.Parse(good)
		require.NoError(t, err, good)
	}
	for _, bad := range []string{"", "tide", "ghcr.io/team/tide", "./tide", "/tmp/tide", "ghcr.io/team/tide@sha256:12", "ghcr.io/Team/tide:v1", "https://ghcr.io/team/tide:v1"} {
		_, err := verify.Parse(bad)
		require.Error(t, err, bad)
	}
}
