package tag_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/semver"

	"example.com/slipway/ci/tag"
)

func TestMayMove_OnlyToTheHighestRelease(t *testing.T) {
	t.Parallel()
	const flavour = "type=semver,pattern={{version}},suffix=-alpine"
	for _, tt := range []struct {
		version, rules, existing, moves string
	}{
		{"v1.2.3", "", "", "1.2 1 latest"},
		{"v1.2.3", "", "latest main sha-860c190 pr-7 1 1.2", "1.2 1 latest"},
		{"v1.2.3", "", "1.2.3", "1.2 1 latest"},
		{"v1.2.3", "", "1.2.4", ""},
		{"v1.2.3", "", "1.3.0", "1.2"},
		{"v1.2.3", "", "2.0.0", "1.2 1"},
		{"v1.2.3", "", "v2.0.0", "1.2 1"},
		{"v1.2.3", "", "0.9.9 1.1.9 1.2.2", "1.2 1 latest"},
		{"v1.2.10", "", "1.2.9", "1.2 1 latest"},
		{"v1.2.3", "", "2.0.0-rc.1 1.2.4-alpine 1.2.4-1", "1.2 1 latest"},
		{"v1.2.3", "", "01.3.0 1.3 1.3.0.0 x1.3.0 sha256-1.3.0.sig", "1.2 1 latest"},
		{"v0.4.1", "", "0.5.0", "0.4"},
		{"v1.2.3-rc.1", "latest;type=semver,pattern={{version}};1.2", "", ""},
		{pseudo, "latest", "", "latest"},
		{pseudo, "latest", "main 1.0.0-rc.1", "latest"},
		{pseudo, "latest", "0.0.1", ""},
		{"v1.2.3", flavour + ";type=semver,pattern={{major}},suffix=-alpine;latest;latest,suffix=-alpine", "2.0.0", "1-alpine latest-alpine"},
		{"v1.2.3", flavour + ";type=semver,pattern={{major}},suffix=-alpine;latest", "1.3.0-alpine", ""},
		{"v1.2.3", flavour + ";latest", "1.2.4-alpine", ""},
		{"v1.2.3", "type=semver,pattern=app/{{major}}.{{minor}}.{{patch}};latest", "app-1.2.4", ""},
		{"v1.2.3", "type=semver,pattern={{version}},prefix=-a/;type=semver,pattern={{major}},prefix=-a/", "a-1.3.0", ""},
		{"v1.2.3", "type=semver,pattern={{version}}{{raw}};latest", "1.2.41.2.4", ""},
		{"v1.2.3", "type=semver,pattern=stable", "1.3.0", ""},
		{"v1.2.3", "type=semver,pattern=stable", "1.1.0", "stable"},
	} {
		var rules []string
		if tt.rules != "" {
			rules = strings.Split(tt.rules, ";")
		}
		tags, err := tag.Resolve(parse(t, rules...), on("refs/tags/"+tt.version, tt.version))
		require.NoError(t, err)
		var moves []string
		for _, made := range tags {
			ok, reason := made.MayMove(strings.Fields(tt.existing))
			require.Equal(t, ok, reason == "")
			if made.Moving && ok {
				moves = append(moves, made.Name)
			}
		}
		require.Equal(t, tt.moves, strings.Join(moves, " "), "%+v", tt)
	}
}

func TestMayMove_SaysWhyNot(t *testing.T) {
	t.Parallel()
	reason := func(version, existing string) string {
		tags, err := tag.Resolve(parse(t, "latest"), on("refs/heads/main", version))
		require.NoError(t, err)
		_, reason := tags[0].MayMove([]string{existing})
		return reason
	}
	require.Equal(t, "v2.0.0 is released, which is higher than v1.2.3", reason("v1.2.3", "2.0.0"))
	require.Equal(t, "v1.2.3-rc.1 is a prerelease", reason("v1.2.3-rc.1", ""))
	require.Equal(t, "v2.0.0 is released, and this image has no version", reason(pseudo, "v2.0.0"))
}

func TestMayMove_BranchesAndPullRequestsAlways(t *testing.T) {
	t.Parallel()
	for _, ref := range []string{"refs/heads/main", "refs/pull/7/merge"} {
		tags, err := tag.Resolve(nil, on(ref, pseudo))
		require.NoError(t, err)
		ok, _ := tags[0].MayMove([]string{"9.9.9", tags[0].Name})
		require.True(t, ok)
		require.True(t, tags[0].Moving)
	}
}

// Whatever is published in whatever order, each moving tag is at the highest release
// of its kind, and never was at a lower one than before.
func TestMayMove_NeverMovesBackwards(t *testing.T) {
	t.Parallel()
	source := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		registry := map[string]string{}
		for range 12 {
			version := fmt.Sprintf("v%d.%d.%d", source.IntN(3), source.IntN(3), source.IntN(12))
			if source.IntN(4) == 0 {
				version += "-rc.1"
			}
			tags, err := tag.Resolve(nil, on("refs/tags/"+version, version))
			require.NoError(t, err)
			existing := make([]string, 0, len(registry))
			for name := range registry {
				existing = append(existing, name)
			}
			source.Shuffle(len(existing), func(i, j int) { existing[i], existing[j] = existing[j], existing[i] })
			for _, made := range tags {
				ok, reason := made.MayMove(existing)
				slices.Sort(existing)
				sorted, why := made.MayMove(existing)
				require.Equal(t, []any{sorted, why}, []any{ok, reason}, "the order does not count")
				if before := registry[made.Name]; ok && made.Moving && before != "" {
					require.LessOrEqual(t, semver.Compare(before, version), 0, "%s moved from %s to %s", made.Name, before, version)
				}
				if ok {
					registry[made.Name] = version
				}
			}
			requireHighest(t, registry)
		}
	}
}

// requireHighest compares each moving tag with the versions that are there.
func requireHighest(t *testing.T, registry map[string]string) {
	t.Helper()
	for name, at := range registry {
		if strings.Count(name, ".") > 1 {
			continue
		}
		want := ""
		for other, v := range registry {
			released := strings.Count(other, ".") == 2 && semver.Prerelease(v) == ""
			if released && (name == "latest" || strings.HasPrefix(other, name+".")) && (want == "" || semver.Compare(v, want) > 0) {
				want = v
			}
		}
		require.Equal(t, want, at, name)
	}
}

func FuzzMayMove_IsTheSameInAnyOrder(f *testing.F) {
	f.Add("v1.2.3", "1.2.4 main latest")
	f.Add("v1.2.3-rc.1", "v99999999999999999999999.0.0")
	f.Fuzz(func(t *testing.T, version, list string) {
		tags, err := tag.Resolve(nil, on("refs/tags/x", version))
		if err != nil {
			return
		}
		existing := strings.Fields(list)
		for _, made := range tags {
			ok, reason := made.MayMove(existing)
			require.Equal(t, ok, reason == "")
			slices.Reverse(existing)
			again, _ := made.MayMove(existing)
			require.Equal(t, ok, again)
			if ok && made.Moving && strings.HasPrefix(made.Follows, "releases") {
				require.Empty(t, semver.Prerelease("v"+strings.TrimPrefix(version, "v")))
			}
		}
	})
}
