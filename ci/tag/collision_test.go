package tag_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/tag"
)

func TestResolve_RefusesOneNameForTwoThings(t *testing.T) {
	t.Parallel()
	release := on("refs/heads/1.2", "v1.2.3")
	for _, tt := range []struct {
		facts tag.Facts
		rules []string
		says  []string
	}{
		{release, []string{"type=semver,pattern={{major}}.{{minor}}", "type=ref,event=branch"}, []string{
			"the image tag 1.2 would be for releases of v1.2, by type=semver,pattern={{major}}.{{minor}}, and for branch 1.2, by type=ref,event=branch",
			"with a prefix",
		}},
		{on("refs/heads/latest", "v1.2.3"), []string{"latest", "type=ref,event=branch"}, []string{"image tag latest"}},
		{on("refs/heads/edge", pseudo), []string{"type=edge", "type=ref,event=branch"}, []string{"image tag edge of branch edge"}},
		{on("refs/heads/main", "v1.2.3"), []string{"type=semver,pattern={{version}},suffix=-x", "1.2.3-x"}, []string{"version v1.2.3", "version v1.2.3-x"}},
		{on("refs/heads/main", "v1.2.3"), []string{"type=semver,pattern={{raw}}", "type=raw,value=v1.2.3,enable=true", "type=sha,prefix=v1.2.3-", "v1.2.3-{{sha}}"}, []string{"commit " + commit, "version v1.2.3-860c190"}},
		{on("refs/heads/main", "v2.2.3"), []string{"type=semver,pattern={{major}}", "type=semver,pattern={{minor}}"}, []string{"releases of v2", "releases"}},
		// On another commit another rule would give the name.
		{on("refs/heads/1.2", pseudo), nil, []string{"the image tag 1.2 of branch 1.2, by type=ref,event=branch, has the form of those by type=semver"}},
		{on("refs/heads/latest", pseudo), nil, []string{"type=raw,value=latest"}},
		{on("refs/heads/v1.2.3-rc.1", pseudo), []string{"type=semver,pattern={{raw}}", "type=ref,event=branch"}, []string{"has the form of a version"}},
		{on("refs/heads/pr-7", pseudo), nil, []string{"type=ref,event=pr"}},
		{on("refs/heads/sha-0123456", pseudo), nil, []string{"type=sha"}},
		{on("refs/heads/pr/7", pseudo), nil, []string{"branch pr/7"}},
		// What is named as a version does not move.
		{on("refs/heads/1.2.3", pseudo), []string{"type=ref,event=branch"}, []string{"the image tag 1.2.3 of branch 1.2.3, by type=ref,event=branch, has the form of a version", "prefix"}},
		{on("refs/heads/v2.0.0-rc/1", pseudo), []string{"type=ref,event=branch"}, []string{"v2.0.0-rc-1"}},
		{on("refs/pull/7/merge", pseudo), []string{"type=ref,event=pr,prefix=1.2."}, []string{"the image tag 1.2.7"}},
		{on("refs/heads/main", "v1.2.3"), []string{"type=semver,pattern={{major}}.{{minor}}.0"}, []string{"the image tag 1.2.0 of releases of v1.2"}},
		{on("refs/heads/app/1.2", pseudo), []string{"type=semver,pattern={{major}}.{{minor}},prefix=app-", "type=ref,event=branch"}, []string{"app-1.2"}},
	} {
		_, err := tag.Resolve(parse(t, tt.rules...), tt.facts)
		require.Error(t, err, "%v", tt)
		require.Equal(t, fault.Usage, fault.KindOf(err))
		for _, say := range tt.says {
			require.ErrorContains(t, err, say)
		}
	}
	require.Equal(t, "1.2* branch-1.2*", names(t, release, "type=semver,pattern={{major}}.{{minor}}", "type=ref,event=branch,prefix=branch-"))
}

func TestResolve_TakesOneNameForOneThingTwice(t *testing.T) {
	t.Parallel()
	f := on("refs/tags/v1.2.3", "v1.2.3")
	require.Equal(t, "v1.2.3", names(t, f, "type=semver,pattern={{raw}}", "type=ref,event=tag", `type=match,pattern=.+`))
	require.Equal(t, "1.2.3 9.0.0 v9.0.0-x", names(t, f, "type=semver,pattern={{version}}", "1.2.3", "9.0.0", "type=raw,value=9.0.0,prefix=v,suffix=-x"), "what is named as a version does not move")
	require.Equal(t, "1.2* latest*", names(t, f, "type=semver,pattern={{major}}.{{minor}}", "1.2", "latest", "type=raw,value=latest,priority=3"))
	f = on("refs/tags/v1.3.0-rc.1", "v1.3.0-rc.1")
	require.Equal(t, "1.3.0-rc.1", names(t, f, "type=semver,pattern={{version}}", "type=semver,pattern={{major}}"))
	f = on("refs/tags/svc/v1.2.3", "v1.2.3")
	require.Equal(t, "1.2.3", names(t, f, "type=semver,pattern={{version}}", "type=match,pattern=svc/v(.*),group=1"))
}

// The tags do not depend on the order of rules or of the tags at the commit.
func TestResolve_GivesTheSameTagsInAnyOrder(t *testing.T) {
	t.Parallel()
	rules := []string{"type=sha", "type=ref,event=branch,prefix=b-", "latest", "type=semver,pattern={{version}}", "type=semver,pattern={{major}}", "type=semver,pattern={{raw}}", "type=ref,event=tag"}
	for _, f := range []tag.Facts{on("refs/heads/x", "v1.2.3"), on("refs/tags/v1.2.3", "v1.2.3"), {Version: "v1.2.3", Tags: []string{"b", "v1.2.3", "a"}}} {
		want := map[string]bool{}
		for name := range strings.FieldsSeq(names(t, f, rules...)) {
			want[name] = true
		}
		for shift := range len(rules) {
			turned := append(append([]string{}, rules[shift:]...), rules[:shift]...)
			if n := len(f.Tags); n > 0 {
				f.Tags = append(append([]string{}, f.Tags[shift%n:]...), f.Tags[:shift%n]...)
			}
			got := map[string]bool{}
			for name := range strings.FieldsSeq(names(t, f, turned...)) {
				got[name] = true
			}
			require.Equal(t, want, got, fmt.Sprint(turned))
		}
	}
}

func FuzzResolve_GivesNamesThatARegistryTakes(f *testing.F) {
	f.Add("refs/heads/main", pseudo, "type=ref,event=branch", "type=sha")
	f.Add("refs/tags/v1.2.3-rc.1", "v1.2.3-rc.1", "type=semver,pattern=a/{{major}}", "type=raw,value={{tag}},prefix=..")
	f.Add("refs/heads/-", "1.2.3+b", `type=match,"pattern=(a{1,2})",group=1,value={{branch}}`, "latest")
	f.Fuzz(func(t *testing.T, ref, version, one, two string) {
		var rules []tag.Rule
		for _, text := range []string{one, two} {
			if r, err := tag.Parse(text); err == nil {
				rules = append(rules, r)
			} else {
				require.Equal(t, fault.Usage, fault.KindOf(err))
			}
		}
		facts := tag.Facts{Ref: ref, Version: version, Commit: commit, Tags: []string{version, ref}}
		tags, err := tag.Resolve(rules, facts)
		if err != nil {
			require.Equal(t, fault.Usage, fault.KindOf(err))
			return
		}
		again, err := tag.Resolve(rules, facts)
		require.NoError(t, err)
		require.Equal(t, tags, again)
		seen := map[string]bool{}
		for _, made := range tags {
			require.Regexp(t, `^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`, made.Name)
			require.NotEmpty(t, made.Follows)
			require.False(t, seen[made.Name])
			seen[made.Name] = true
			made.MayMove([]string{one, two, version})
		}
	})
}
