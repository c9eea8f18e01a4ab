package tool_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/tool"
)

// onPath is a PATH with a program of that name and text.
func onPath(t *testing.T, name, text string) tool.Options {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755))
	return tool.Options{Env: []string{"PATH=" + dir, "TRIVY_CONFIG=evil.yaml", "GITHUB_TOKEN=secret"}, Cache: t.TempDir()}
}

// says is a script that answers as trivy version --format json does.
func says(version string) string { return "#!/bin/sh\necho '{\"Version\":\"" + version + "\"}'\n" }

func TestFindTrivy_TakesVersionsThatWereTried(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]string{
		"0.70.0": "", "0.74.0": "", "0.74.9": "", "v0.72.0": "",
		"0.69.3": "knows 0.70.0 up to before 0.75.0", "0.75.0": "knows 0.70.0 up to before 0.75.0", "1.0.0": "knows",
		"dev": `its version is "dev"`, "0.74.0-rc.1": "its version is", "": "does not say its version",
		"0.69.4": "hijacked in March 2026", "0.69.5": "hijacked in March 2026", "v0.69.6": "hijacked in March 2026",
	} {
		found, err := tool.FindTrivy(t.Context(), onPath(t, "trivy", says(version)), &recorder{})
		if want == "" {
			require.NoError(t, err, version)
			require.Equal(t, version, found.Version)
			continue
		}
		require.Equal(t, fault.Unjudged, fault.KindOf(err), version)
		require.ErrorContains(t, err, want, version)
	}
}

func TestFindTrivy_SaysWhatToDoWhereThereIsNone(t *testing.T) {
	t.Parallel()
	_, err := tool.FindTrivy(t.Context(), onPath(t, "grype", says("1.0.0")), &recorder{})
	require.EqualError(t, err, "there is no Trivy on this machine to scan images with: slipway tool trivy builds it, which takes minutes")
	for text, want := range map[string]string{
		"#!/bin/sh\nexit 3\n":                    "it ends with exit code 3",
		"#!/bin/sh\nyes | head -c 10000000\n":    "does not say its version",
		"#!/bin/sh\necho 'Version: 0.74.0'\n":    "does not say its version",
		"not a program":                          "starting it",
		"#!/bin/sh\necho '{\"Version\":0.74}'\n": "does not say its version",
	} {
		_, err := tool.FindTrivy(t.Context(), onPath(t, "trivy", text), &recorder{})
		require.Equal(t, fault.Unjudged, fault.KindOf(err), text)
		require.ErrorContains(t, err, want, text)
	}
}

func TestFindTrivy_PrefersTheOneThatSlipwayBuilt(t *testing.T) {
	t.Parallel()
	o, _ := bench(t)
	program, err := tool.Trivy().Install(t.Context(), o, &recorder{})
	require.NoError(t, err)
	o.Env = onPath(t, "trivy", says("0.72.0")).Env
	found, err := tool.FindTrivy(t.Context(), o, &recorder{})
	require.NoError(t, err)
	require.Equal(t, tool.Scanner{Program: program, Version: tool.TrivyVersion}, found)
}

func TestRefusedImage_KnowsTheDigestsAndTheVersions(t *testing.T) {
	t.Parallel()
	good := "sha256:" + strings.Repeat("0", 64)
	for ref, bad := range map[string]bool{
		"aquasec/trivy:0.74.0@" + good:  false,
		"aquasec/trivy:0.69.4@" + good:  true,
		"aquasec/trivy:v0.69.5@" + good: true,
		"mirror.example.com/t@" + good:  false,
		"mirror.example.com/t:0.74.0@sha256:27f446230c60bbf0b70e008db798bd4f33b7826f9f76f756606f5417100beef3": true,
		"mirror.example.com/t@sha256:12c702212dee1cbec9471e9261501a3335963321fe76e60e5a715b5acd3c40a2":        true,
		"mirror.example.com/t@sha256:5aaa1d7cfa9ca4649d6ffad165435c519dc836fa6e21b729a2174ad10b057d2b":        true,
		"mirror.example.com/t@sha256:425cd3e1a2846ac73944e891250377d2b03653e6f028833e30fc00c1abbc6d33":        true,
	} {
		pin, err := plan.ParsePin(ref)
		require.NoError(t, err)
		err = tool.RefusedImage(pin)
		require.Equal(t, bad, err != nil, ref)
		if bad {
			require.Equal(t, fault.Unjudged, fault.KindOf(err))
			require.ErrorContains(t, err, "hijacked in March 2026")
		}
	}
}
