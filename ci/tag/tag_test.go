package tag_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/tag"
)

const commit = "860c1904a1ce19322e91ac35af1ab07466440c37"

// parse reads rules that are right.
func parse(t testing.TB, texts ...string) []tag.Rule {
	t.Helper()
	var rules []tag.Rule
	for _, text := range texts {
		r, err := tag.Parse(text)
		require.NoError(t, err)
		rules = append(rules, r)
	}
	return rules
}

// names are the tags of facts; those that move end with an asterisk.
func names(t testing.TB, f tag.Facts, rules ...string) string {
	t.Helper()
	tags, err := tag.Resolve(parse(t, rules...), f)
	require.NoError(t, err)
	var list []string
	for _, made := range tags {
		if made.Moving {
			made.Name += "*"
		}
		list = append(list, made.Name)
	}
	return strings.Join(list, " ")
}

func on(ref, version string) tag.Facts {
	return tag.Facts{Ref: ref, Version: version, Commit: commit, DefaultBranch: "main"}
}

const pseudo = "v0.0.0-20260303220607-860c1904a1ce"

func TestResolve_WithoutRulesFollowsVersionBranchOrCommit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		facts tag.Facts
		want  string
	}{
		{on("refs/tags/v1.2.3", "v1.2.3"), "1.2.3 1.2* 1* latest*"},
		{on("refs/heads/main", "v1.2.3"), "1.2.3 1.2* 1* latest*"},
		{on("", "v1.2.3"), "1.2.3 1.2* 1* latest*"},
		{on("", "1.2.3"), "1.2.3 1.2* 1* latest*"},
		{on("refs/tags/v0.4.1", "v0.4.1"), "0.4.1 0.4* latest*"},
		{on("refs/tags/v2.0.8-beta.67", "v2.0.8-beta.67"), "2.0.8-beta.67"},
		{on("refs/tags/v1.2.3", "v1.2.3+build.5"), "1.2.3 1.2* 1* latest*"},
		{on("refs/heads/main", pseudo), "main* sha-860c190"},
		{on("refs/heads/main", ""), "main* sha-860c190"},
		{on("refs/heads/main", "2026-march"), "main* sha-860c190"},
		{on("refs/heads/my/branch", "v1.2"), "my-branch* sha-860c190"},
		{on("refs/heads/main", "v1.2.4-0.20260303220607-860c1904a1ce"), "main* sha-860c190"},
		{on("refs/pull/7/merge", pseudo), "pr-7* sha-860c190"},
		{on("refs/pull/7/head", "v1.2.3"), "pr-7* sha-860c190"},
		{on("refs/tags/stable", pseudo), "sha-860c190"},
		{on("", pseudo), "sha-860c190"},
		{on("refs/heads/main", "v1.2.3+dirty"), "main*"},
		{on("refs/changes/1/2/3", pseudo), "sha-860c190"},
		{tag.Facts{}, ""},
	} {
		require.Equal(t, tt.want, names(t, tt.facts), "%+v", tt.facts)
	}
}

// The rows of the documentation of docker/metadata-action, and some of its tests.
func TestResolve_AnswersAsTheMetadataActionDoes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ facts, rule, want string }{
		{"tag v1.2.3", "type=semver,pattern={{raw}}", "v1.2.3"},
		{"tag v1.2.3", "type=semver,pattern={{version}}", "1.2.3"},
		{"tag v1.2.3", "type=semver,pattern={{major}}.{{minor}}", "1.2*"},
		{"tag v1.2.3", "type=semver,pattern=v{{major}}", "v1*"},
		{"tag v1.2.3", "type=semver,pattern={{minor}}", "2*"},
		{"tag v1.2.3", "type=semver,pattern={{patch}}", "3*"},
		{"tag v1.2.3", "type=semver,pattern={{ major }}.{{minor}}.{{patch}}", "1.2.3"},
		{"tag p1/v1.2.3", `type=semver,pattern={{version}},match=v(\d.\d.\d)$`, "1.2.3"},
		{"tag v2.0.8-beta.67", "type=semver,pattern={{raw}}", "v2.0.8-beta.67"},
		{"tag v2.0.8-beta.67", "type=semver,pattern={{version}}", "2.0.8-beta.67"},
		{"tag v2.0.8-beta.67", "type=semver,pattern={{major}}", "2.0.8-beta.67"},
		{"tag v2.0.8-beta.67", "type=semver,pattern={{major}}.{{minor}}", "2.0.8-beta.67"},
		{"tag v0.1.2", "type=semver,pattern={{major}}", "0*"},
		{"branch main", "type=semver,pattern={{version}},value=v1.0.0", "1.0.0"},
		{"branch main", `type=semver,pattern={{version}},value=p1/v1.0.0,match=v(\d.\d.\d)$`, "1.0.0"},
		{"branch main", "type=semver,pattern={{version}}", ""},
		{"tag v1.2", "type=semver,pattern={{version}}", ""},

		{"tag v1.2.3", `type=match,pattern=\d.\d.\d`, "1.2.3"},
		{"tag v2.0.8-beta.67", "type=match,pattern=v(.*),group=1", "2.0.8-beta.67"},
		{"tag v2.0.8-beta.67", `type=match,pattern=v(\d.\d),group=1`, "2.0*"},
		{"tag 20200110-RC2", `type=match,pattern=\d+`, "20200110"},
		{"tag p1/v1.2.3", `type=match,pattern=p1/v(\d.\d.\d),group=1`, "1.2.3"},
		{"tag V1.2.3", `type=match,pattern=/v(.*)/i,group=1`, "1.2.3"},
		{"branch main", "type=match,pattern=v(.*),group=1,value=v1.0.0", "1.0.0"},
		{"tag sometag", `type=match,"pattern=^\d{1,3}$"`, ""},

		{"branch main", "type=edge", "edge*"},
		{"branch main", "type=edge,branch=dev", ""},
		{"branch dev", "type=edge,branch=dev", "edge*"},
		{"branch dev", "type=edge", ""},
		{"tag v1.2.3", "type=edge", ""},

		{"pull 2", "type=ref,event=pr", "pr-2*"},
		{"pull 2", "type=ref,event=pr,prefix=", "2*"},
		{"pull 2", "type=ref,event=branch", ""},
		{"branch master", "type=ref,event=branch", "master*"},
		{"branch my/branch", "type=ref,event=branch", "my-branch*"},
		{"branch test/2.x+?~*", "type=ref,event=branch", "test-2.x-*"},
		{"branch master", "type=ref,event=tag", ""},
		{"tag v1.2.3", "type=ref,event=tag", "v1.2.3"},
		{"tag v2.0.8-beta.67", "type=ref,event=tag", "v2.0.8-beta.67"},

		{"branch main", "type=raw,value=foo", "foo*"},
		{"branch main", "type=raw,foo", "foo*"},
		{"branch main", "foo", "foo*"},
		{"branch main", "type=raw,value=foo,enable=false", ""},
		{"branch main", "type=sha", "sha-860c190"},
		{"branch main", "type=sha,format=long", "sha-" + commit},
		{"branch main", "type=sha,prefix=", "860c190"},
		{"branch main", "type=sha,prefix={{branch}}-", "main-860c190"},
		{"branch main", "type=raw,value=mytag-{{branch}}-{{sha}}", "mytag-main-860c190*"},
		{"tag v1.2.3", "type=raw,value={{branch}}", ""},
		{"tag stable", "type=raw,value=of-{{tag}},suffix=-x", "of-stable-x*"},
	} {
		kind, name, _ := strings.Cut(tt.facts, " ")
		f := on("refs/heads/"+name, pseudo)
		switch kind {
		case "tag":
			f = on("refs/tags/"+name, name)
		case "pull":
			f = on("refs/pull/"+name+"/merge", pseudo)
		}
		require.Equal(t, tt.want, names(t, f, tt.rule), "%s: %s", tt.facts, tt.rule)
	}
}

func TestResolve_OrdersByPriorityThenAsWritten(t *testing.T) {
	t.Parallel()
	f := on("refs/tags/v1.2.3", "v1.2.3")
	require.Equal(t, "1.2* 1.2.3 foo* sha-860c190", names(t, f, "type=sha", "foo", "type=semver,pattern={{major}}.{{minor}}", "type=semver,pattern={{version}}"))
	require.Equal(t, "sha-860c190 1.2.3", names(t, f, "type=semver,pattern={{version}}", "type=sha,priority=1000"))
}

// A checkout of a tag in CI has neither a branch nor, without the runner's word, a ref.
func TestResolve_TakesTheTagOfADetachedCommit(t *testing.T) {
	t.Parallel()
	for tags, want := range map[string]string{
		"v1.2.3":            "v1.2.3",
		"stable":            "stable",
		"stable v1.2.3":     "v1.2.3",
		"v1.2.3 stable a b": "v1.2.3",
		"svc/v1.2.3 a":      "svc-v1.2.3",
		"a b":               "",
		"":                  "",
	} {
		f := on("", "v1.2.3")
		f.Tags = strings.Fields(tags)
		require.Equal(t, want, names(t, f, "type=ref,event=tag"), tags)
		f.Ref = "refs/heads/main"
		require.Empty(t, names(t, f, "type=ref,event=tag"), "a branch is checked out")
	}
}

func TestResolve_MakesTagsOfWhatBranchesAreCalled(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 300)
	for branch, want := range map[string]string{
		"feature/a b":   "feature-a-b*",
		".github/x":     "github-x*",
		"-_-":           "_-*",
		"größe":         "gr-e*",
		"a$(id)\nb":     "a-id-b*",
		"UPPER_case.1":  "UPPER_case.1*",
		"a//b":          "a-b*",
		long[:128]:      long[:128] + "*",
		long:            long[:119] + "-0d4e2ca9*",
		"refs/heads/in": "refs-heads-in*",
	} {
		require.Equal(t, want, names(t, on("refs/heads/"+branch, pseudo), "type=ref,event=branch"))
	}
	require.NotEqual(t, names(t, on("refs/heads/"+long+"a", ""), "type=ref,event=branch"), names(t, on("refs/heads/"+long+"b", ""), "type=ref,event=branch"))
	for _, f := range []tag.Facts{on("refs/heads/日本", pseudo), on("refs/heads/---", pseudo)} {
		_, err := tag.Resolve(nil, f)
		require.ErrorContains(t, err, "type=ref,event=branch makes no image tag of branch "+f.Ref[11:]+": no character of")
		require.Equal(t, fault.Usage, fault.KindOf(err))
	}
	_, err := tag.Resolve(parse(t, long), on("", ""))
	require.ErrorContains(t, err, "longer than 128")
}

func TestResolve_AsksForTheDefaultBranchWhereItCounts(t *testing.T) {
	t.Parallel()
	f := on("refs/heads/main", pseudo)
	f.DefaultBranch = ""
	_, err := tag.Resolve(parse(t, "type=edge"), f)
	require.ErrorContains(t, err, "type=edge,branch=main")
	f.Ref = "refs/tags/v1.2.3"
	require.Empty(t, names(t, f, "type=edge"))
}

func TestResolve_SaysWhatATagFollows(t *testing.T) {
	t.Parallel()
	follows := func(f tag.Facts, rules ...string) (all []string) {
		tags, err := tag.Resolve(parse(t, rules...), f)
		require.NoError(t, err)
		for _, made := range tags {
			all = append(all, made.Follows)
		}
		return all
	}
	require.Equal(t, []string{"version v1.2.3", "releases of v1.2", "releases of v1", "releases"}, follows(on("", "v1.2.3")))
	require.Equal(t, []string{"branch a/b", "commit " + commit}, follows(on("refs/heads/a/b", pseudo)))
	require.Equal(t, []string{"pull request 7", "the name x-{{sha}}"}, follows(on("refs/pull/7/merge", pseudo), "type=ref,event=pr", "x-{{sha}}"))
	require.Equal(t, []string{"tag stable"}, follows(on("refs/tags/stable", pseudo), "type=ref,event=tag"))
}
