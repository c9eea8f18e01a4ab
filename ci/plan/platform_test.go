package plan_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/plan"
)

func TestParsePlatform_GivesTheNormalForm(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"linux/amd64":    "linux/amd64",
		"linux/amd64/v1": "linux/amd64",
		"linux/amd64/v3": "linux/amd64/v3",
		"linux/arm64":    "linux/arm64",
		"linux/arm64/v8": "linux/arm64",
		"linux/arm":      "linux/arm/v7",
		"linux/arm/v6":   "linux/arm/v6",
		"linux/riscv64":  "linux/riscv64",
	} {
		got, err := plan.ParsePlatform(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got.String())
		again, err := plan.ParsePlatform(got.String())
		require.NoError(t, err)
		require.Equal(t, got, again, "the normal form parses to itself")
	}
}

func TestParsePlatform_RefusesWhatGoDoesNotBuild(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "linux", "linux/", "/amd64", "linux/amd64/v1/x", "windows/amd64", "linux/vax", "linux/arm/v4", "linux/amd64/v9", "linux/arm64/v9", "-linux/amd64",
	} {
		_, err := plan.ParsePlatform(text)
		require.Error(t, err, text)
	}
}

func TestGoEnv_SetsEveryVariableThatDecidesBytes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"linux/amd64":    {"GOARCH=amd64", "GOAMD64=v1"},
		"linux/amd64/v3": {"GOARCH=amd64", "GOAMD64=v3"},
		"linux/arm":      {"GOARCH=arm", "GOARM=7"},
		"linux/arm/v5":   {"GOARCH=arm", "GOARM=5"},
		"linux/arm64":    {"GOARCH=arm64", "GOARM64=v8.0"},
	} {
		p, err := plan.ParsePlatform(text)
		require.NoError(t, err)
		env := p.GoEnv()
		require.Subset(t, env, want)
		require.Len(t, env, 8, "GOOS, GOARCH and a level for each of six architectures")
		require.True(t, slices.Contains(env, "GOOS=linux"))
	}
}

func TestParsePin_ReadsNameTagAndDigest(t *testing.T) {
	t.Parallel()
	const digest = "sha256:e2e927ec666bae08560abb3c55d0659eceabb657f56b6782ab500a9fc7f555e3"
	for text, want := range map[string]plan.Pin{
		"golang:1.26.9-alpine@" + digest:    {Name: "golang", Tag: "1.26.9-alpine", Digest: digest},
		"gcr.io/a/b:nonroot@" + digest:      {Name: "gcr.io/a/b", Tag: "nonroot", Digest: digest},
		"127.0.0.1:5000/a@" + digest:        {Name: "127.0.0.1:5000/a", Digest: digest},
		"localhost:5000/a:latest@" + digest: {Name: "localhost:5000/a", Tag: "latest", Digest: digest},
	} {
		got, err := plan.ParsePin(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
		require.Equal(t, text, got.String())
	}
	for _, text := range []string{
		"", "golang", "golang:1.26", "golang@sha256:abc", "golang@sha512:" + digest[7:], "@" + digest, "a b@" + digest,
		"A/b@" + digest[:70], "golang:@" + digest, "../x@" + digest, "-golang@" + digest, "http://x/y@" + digest,
	} {
		_, err := plan.ParsePin(text)
		require.Error(t, err, text)
	}
}

func FuzzParsePin(f *testing.F) {
	f.Add("golang:1@sha256:e2e927ec666bae08560abb3c55d0659eceabb657f56b6782ab500a9fc7f555e3")
	f.Add("127.0.0.1:5000/a@sha256:")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := plan.ParsePin(text)
		if err == nil {
			require.Equal(t, text, p.String())
		}
	})
}

func TestHash_IsThatOfOnePlatform(t *testing.T) {
	t.Parallel()
	amd64, arm64 := plan.Platform{OS: "linux", Arch: "amd64"}, plan.Platform{OS: "linux", Arch: "arm64"}
	one := plan.Image{Name: "a", Platforms: []plan.Platform{amd64}, Sources: map[string]string{"linux/amd64": "sha256:1"}}
	two := one
	two.Platforms = []plan.Platform{amd64, arm64}
	two.Sources = map[string]string{"linux/amd64": "sha256:1", "linux/arm64": "sha256:2"}
	require.Equal(t, one.Hash(amd64), two.Hash(amd64), "what is built beside it does not count")
	require.NotEqual(t, two.Hash(amd64), two.Hash(arm64))
	other := one
	other.Epoch = 1
	require.NotEqual(t, one.Hash(amd64), other.Hash(amd64))
}
