package config_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/project"
)

// tagNames are a plan's tags; those that move end with an asterisk.
func tagNames(p *config.Plan) string {
	var names []string
	for _, t := range p.Run.Tags {
		if t.Moving {
			t.Name += "*"
		}
		names = append(names, t.Name)
	}
	return strings.Join(names, " ")
}

func TestResolve_FindsTagsByTheVersion(t *testing.T) {
	t.Parallel()
	p, err := resolve(t, "", nil)
	require.NoError(t, err)
	require.Equal(t, plan.Tag{Name: "1.2", Moving: true, Follows: "releases of v1.2"}, p.Run.Tags[1])
	require.Equal(t, "1.2.3 1.2* 1* latest*", tagNames(p))
	require.Equal(t, "1.2.3,1.2 (moving),1 (moving),latest (moving)", p.Values()["image-tag"])
	require.Equal(t, config.Origin("the version, the branch and the commit"), p.Origins["image-tag"])
	ok, reason := p.Tags[3].MayMove([]string{"2.0.0"})
	require.False(t, ok)
	require.Contains(t, reason, "v2.0.0")
	p, err = resolve(t, "version: v2.0.0-rc.1", nil)
	require.NoError(t, err)
	require.Equal(t, "2.0.0-rc.1", tagNames(p))
}

// A rule has commas, so a flag says one rule, and a variable or text has one a line.
func TestGather_TakesRulesForTagsWithTheirCommas(t *testing.T) {
	t.Parallel()
	const list = "type=semver,pattern={{version}}\n\n# the branch\n  type=ref,event=branch  \n"
	const ref = "--ref=refs/heads/dev"
	for name, say := range map[string]func() (*config.Plan, error){
		"flags": func() (*config.Plan, error) {
			return resolve(t, "image-tag: x", nil, ref, "--image-tag=type=semver,pattern={{version}}", "--image-tag=type=ref,event=branch")
		},
		"variable": func() (*config.Plan, error) {
			return resolve(t, "image-tag: x", map[string]string{"SLIPWAY_IMAGE_TAG": list}, ref)
		},
		"list": func() (*config.Plan, error) {
			return resolve(t, "image-tag:\n- type=semver,pattern={{version}}\n- type=ref,event=branch\n", nil, ref)
		},
		"text": func() (*config.Plan, error) {
			return resolve(t, "image-tag: |\n  "+strings.ReplaceAll(list, "\n", "\n  "), nil, ref)
		},
	} {
		p, err := say()
		require.NoError(t, err, name)
		require.Equal(t, "1.2.3 dev*", tagNames(p), name)
		require.Equal(t, "refs/heads/dev", p.Run.Ref)
	}
}

// from resolves a source at a commit without a version that is checked out by refs.
func from(t *testing.T, file string, refs project.Refs) (*config.Plan, error) {
	t.Helper()
	said, in := input(t, file)
	in.Said, in.Project.Refs, in.Project.Git.Version = said, refs, "v0.0.0-20231114221320-abababababab"
	return config.Resolve(t.Context(), in)
}

func TestResolve_FindsTagsByWhatIsCheckedOut(t *testing.T) {
	t.Parallel()
	p, err := from(t, "", project.Refs{Head: "refs/heads/main", From: "git"})
	require.NoError(t, err)
	require.Equal(t, "main* sha-abababa", tagNames(p))
	require.Equal(t, "refs/heads/main", p.Values()["ref"])
	require.Equal(t, config.Origin("git"), p.Origins["ref"])
	p, err = from(t, "image-tag: [type=edge, 'type=ref,event=tag']", project.Refs{Head: "refs/heads/main", From: "git", DefaultBranch: "main", Tags: []string{"x"}})
	require.NoError(t, err)
	require.Equal(t, "edge*", tagNames(p))
	p, err = from(t, "image-tag: 'type=ref,event=tag'", project.Refs{Tags: []string{"nightly"}})
	require.NoError(t, err)
	require.Equal(t, "nightly", tagNames(p))
}

// What differs from the commit is neither its version nor it.
func TestMarkDirty_TakesTheTagsOfTheCommitAway(t *testing.T) {
	t.Parallel()
	p, err := resolve(t, "", nil, "--ref=refs/heads/dev")
	require.NoError(t, err)
	p.MarkDirty(&p.Images[0])
	require.Equal(t, "dev*", tagNames(p))
	p, err = resolve(t, "version: v2.0.0-local", nil)
	require.NoError(t, err)
	p.MarkDirty(&p.Images[0])
	require.Equal(t, "2.0.0-local", tagNames(p), "somebody's own word")
}

// Who only builds on a branch of whatever name is not stopped for it.
func TestResolve_LeavesABranchWithoutTagsToPublish(t *testing.T) {
	t.Parallel()
	p, err := from(t, "", project.Refs{Head: "refs/heads/1.2"})
	require.NoError(t, err)
	require.Empty(t, p.Run.Tags)
	require.Equal(t, fault.Usage, fault.KindOf(p.Untagged))
	require.ErrorContains(t, p.Untagged, "the image tag 1.2 of branch 1.2")
	require.NotContains(t, strings.Join(p.Notes, "\n"), "branch 1.2")
	p, err = from(t, "target: ghcr.io/team/tide", project.Refs{Head: "refs/heads/1.2"})
	require.NoError(t, err)
	require.Contains(t, strings.Join(p.Notes, "\n"), "publish would end here: the image tag 1.2 of branch 1.2")
}

func TestRepositories_AreOfTheImagesWhereThereAreSeveral(t *testing.T) {
	t.Parallel()
	said, in := input(t, "target: [ghcr.io/team/tide, 'localhost:5000/tide']")
	in.Said = said
	p, err := config.Resolve(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, []string{"ghcr.io/team/tide", "localhost:5000/tide"}, p.Repositories(p.Images[0]))
	said, in = input(t, "target: [ghcr.io/team/tide]\nmain: all")
	in.Said = said
	in.Project.Mains = append(in.Project.Mains, project.Main{Dir: "./cmd/ebb", Package: "example.com/tide/cmd/ebb", Name: "ebb"})
	p, err = config.Resolve(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, []string{"ghcr.io/team/tide/tide-table"}, p.Repositories(p.Images[0]))
	require.Equal(t, []string{"ghcr.io/team/tide/ebb"}, p.Repositories(p.Images[1]))
}

func TestResolve_TakesHowRegistriesAreWrittenToFromWhoeverRunsIt(t *testing.T) {
	t.Parallel()
	p, err := resolve(t, "", nil)
	require.NoError(t, err)
	require.Equal(t, plan.Publish{Sign: "auto"}, p.Run.Publish)
	require.Equal(t, plan.AttestFail, p.Run.Publish.Attestation("ghcr.io"))
	secret := filepath.Join(t.TempDir(), "token")
	p, err = resolve(t, "", map[string]string{"SLIPWAY_OVERWRITE": "true"},
		"--registry-token-file", "ghcr.io="+secret+",localhost:5000=t", "--attest=ghcr.io=warn,docker.io=off", "--sign-key=keys/cosign.key", "--sign=key")
	require.NoError(t, err)
	require.Equal(t, plan.Publish{
		Overwrite: true, TokenFiles: map[string]string{"ghcr.io": secret, "localhost:5000": "/work/t"},
		Attest: map[string]string{"ghcr.io": "warn", "docker.io": "off"}, Sign: "key", SignKey: "/work/keys/cosign.key",
	}, p.Run.Publish)
	require.Equal(t, "ghcr.io,localhost:5000", p.Values()["registry-token-file"], "somebody may have written the token in the file's place")
	text, err := json.Marshal(p)
	require.NoError(t, err)
	require.NotContains(t, string(text), secret)
	require.Equal(t, plan.AttestWarn, p.Run.Publish.Attestation("ghcr.io"))
	require.Equal(t, plan.AttestOff, p.Run.Publish.Attestation("index.docker.io"))
	for name := range p.Values() {
		require.NotEmpty(t, p.Origins[name], "%s has no origin", name)
	}
	p, err = resolve(t, "", map[string]string{"SLIPWAY_SIGN_KEY": "env://COSIGN_KEY"})
	require.NoError(t, err)
	require.Equal(t, "env://COSIGN_KEY", p.Run.Publish.SignKey)
}

// A source says where it goes. It chooses neither credentials nor what protects a registry.
func TestResolve_DoesNotLetASourceSpeakOfRegistries(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"ref", "overwrite", "registry-token-file", "attest", "sign", "sign-key"} {
		_, err := resolve(t, "\n"+key+": x", nil)
		require.ErrorContains(t, err, ".slipway.yaml:2: the source cannot say \""+key+"\" of itself")
		require.ErrorContains(t, err, "--"+key)
		require.NotContains(t, config.Schema()["properties"], key)
	}
	for _, key := range []string{"target", "image-tag"} {
		require.Contains(t, config.Schema()["properties"], key)
	}
}

func TestResolve_NamesWhatIsWrongWithPublishing(t *testing.T) {
	t.Parallel()
	for file, says := range map[string]string{
		"target: team/server":                          `"team/server" is not a value for target: want a repository with its registry`,
		"target: ghcr.io":                              `is not a value for target`,
		"target: ghcr.io/Team/x":                       `is not a value for target`,
		"target: https://ghcr.io/a":                    `is not a value for target`,
		"target: [ghcr.io/a, ghcr.io/a]":               `want each repository once`,
		"\nimage-tag: type=schedule":                   `.slipway.yaml:2: the image tag rule "type=schedule": type=schedule depends on the clock`,
		"image-tag: {a: b}":                            `.slipway.yaml:1: key "image-tag": want a list`,
		"image-tag: [[a]]":                             `.slipway.yaml:1: key "image-tag"`,
		"image-tag: |\n" + strings.Repeat("  x\n", 51): `"51 rules" is not a value for image-tag: want at most 50`,
	} {
		_, err := resolve(t, file, nil)
		require.ErrorContains(t, err, says, file)
		require.Equal(t, fault.Usage, fault.KindOf(err))
	}
	for flags, says := range map[string]string{
		"--ref=main":                      "want the full name of a branch, tag or pull request",
		"--ref=refs/heads/a b":            "full name",
		"--ref=refs/heads/":               "full name",
		"--ref=refs/pull/x/merge":         "full name",
		"--registry-token-file=a":         "not of the form key=value",
		"--registry-token-file=a/b=hush":  "a registry and the file with its token",
		"--registry-token-file=ghcr.io=":  "a registry and the file with its token",
		"--attest=ghcr.io=yes":            "want a registry and warn, fail or off",
		"--attest=warn":                   "not of the form key=value",
		"--sign=gpg":                      "want auto, key, keyless or off",
		"--sign=key":                      "--sign: there is no key to sign with: name it with --sign-key",
		"--sign=off|--sign-key=hush":      "--sign-key: a key is named, and --sign says off",
		"--sign=keyless|--sign-key=hush":  "leave one of them out",
		"--sign-key=awskms:///alias/hush": "--sign-key: this is no file of a key",
		"--sign-key=-----BEGINhush":       "this is no file of a key",
		"--image-tag=type=sha,format=x":   "--image-tag: the image tag rule",
	} {
		_, err := resolve(t, "", nil, strings.Split(flags, "|")...)
		require.ErrorContains(t, err, says, flags)
		require.NotContains(t, err.Error(), "hush", "it may be the secret itself")
		require.Equal(t, fault.Usage, fault.KindOf(err))
	}
}

func TestBind_ShowsThatARuleHasCommas(t *testing.T) {
	t.Parallel()
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	config.Bind(set)
	require.Equal(t, "rule", set.Lookup("image-tag").Value.Type())
	require.Equal(t, "list", set.Lookup("target").Value.Type())
}
