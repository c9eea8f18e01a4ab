package provenance_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/attest/provenance"
	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/receipt"
)

var update = flag.Bool("update", false, "write the golden files again")

var (
	amd64 = plan.Platform{OS: "linux", Arch: "amd64"}
	arm64 = plan.Platform{OS: "linux", Arch: "arm64"}
)

func digest(letter string) string { return "sha256:" + strings.Repeat(letter, 64) }

// tide is the receipt of a run that made one image.
func tide() *receipt.Receipt {
	program := func(modules ...inspect.Dependency) []inspect.Program {
		return []inspect.Program{{Path: "/app/tide", Go: &inspect.Go{Version: "go1.26.9", Dependencies: modules}}, {Path: "/app/other"}}
	}
	toml := inspect.Dependency{Module: inspect.Module{Path: "github.com/BurntSushi/toml", Version: "v1.5.0"}, Sum: "h1:Khu2En+0gcYPZ2kuIihfswbzxv/mIHXgzPZ018Oty48="}
	began := time.Date(2026, 11, 23, 6, 12, 0, 0, time.FixedZone("tide", 3600))
	return &receipt.Receipt{
		Slipway: "v0.5.0",
		Images: []receipt.Image{{
			Name: "tide", Digest: digest("1"),
			Plan: plan.Image{
				Name: "tide", Title: "tide <&>", Module: "example.com/tide", Version: "v1.2.3", Commit: strings.Repeat("c", 40), Epoch: 1_790_000_000,
				Toolchain: "go1.26.9", Builder: plan.Pin{Name: "golang", Tag: "1.26.9-alpine", Digest: digest("b")},
				Base:      plan.Pin{Name: "gcr.io/distroless/static-debian13", Tag: "nonroot", Digest: digest("a")},
				Mains:     []plan.Main{{Dir: ".", Package: "example.com/tide", Name: "tide"}},
				Build:     plan.Build{Strip: "full", Vars: []plan.Var{{Name: "main.version", Value: "v1.2.3"}}},
				Config:    plan.Config{User: "65532", Labels: map[string]string{"b": "2", "a": "1", "A": "3"}},
				Platforms: []plan.Platform{amd64, arm64}, Sources: map[string]string{"linux/amd64": digest("5"), "linux/arm64": digest("6")},
			},
			Inspection: &inspect.Report{Images: []inspect.Image{
				{Platform: amd64, Digest: digest("2"), Programs: program(toml)},
				{Platform: arm64, Digest: digest("3"), Programs: program(toml, inspect.Dependency{Module: inspect.Module{Path: "./moon"}, Replaces: &inspect.Module{Path: "example.com/moon"}})},
			}},
		}},
		Run: receipt.Run{Engine: "local", Started: began, Ended: began.Add(90 * time.Second)},
	}
}

var runner = provenance.Runner{
	ID:         "https://github.com/harbour/tide/.github/workflows/publish.yml@refs/tags/v1.2.3",
	Invocation: "https://github.com/harbour/tide/actions/runs/42/attempts/1",
}

func statement(t testing.TB, r *receipt.Receipt) *attest.Statement {
	t.Helper()
	s, err := provenance.New(r, r.Images[0], "git@github.com:harbour/tide.git", runner)
	require.NoError(t, err)
	return s
}

func TestNew_GoldenFile(t *testing.T) {
	t.Parallel()
	text, err := statement(t, tide()).Encode()
	require.NoError(t, err)
	again, err := statement(t, tide()).Encode()
	require.NoError(t, err)
	require.Equal(t, text, again, "the same receipt gives the same bytes")
	var got bytes.Buffer
	require.NoError(t, json.Indent(&got, text, "", "  "))
	path := filepath.Join("testdata", "provenance.golden")
	if *update {
		require.NoError(t, os.WriteFile(path, got.Bytes(), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "go test ./ci/attest/provenance -update writes it")
	require.Equal(t, string(want), got.String())
}

func TestNew_SaysWhatItDoesNotKnowBySilence(t *testing.T) {
	t.Parallel()
	r := tide()
	image := &r.Images[0]
	r.Slipway, image.Inspection, image.Plan.Commit, image.Plan.Base = "", nil, "", plan.Pin{Name: "scratch"}
	s, err := provenance.New(r, *image, "/srv/git/tide", provenance.Runner{ID: provenance.Local})
	require.NoError(t, err)
	require.Len(t, s.Subject, 1)
	p, err := provenance.Parse(s)
	require.NoError(t, err)
	require.Equal(t, provenance.Source{}, p.Definition.External.Source)
	require.Equal(t, map[string]string{"slipway": "unknown"}, p.Details.Builder.Version)
	var names []string
	for _, d := range p.Definition.Dependencies {
		names = append(names, d.Name)
	}
	require.Equal(t, []string{"builder", "toolchain"}, names)
}

func TestNew_ADirtySourceIsNotItsCommit(t *testing.T) {
	t.Parallel()
	r := tide()
	r.Images[0].Plan.Dirty = true
	p, err := provenance.Parse(statement(t, r))
	require.NoError(t, err)
	require.True(t, p.Definition.External.Source.Dirty)
	require.Contains(t, p.Definition.Dependencies[0].Annotations, "dirty")
}

func TestParse_ReadsWhatNewWrote(t *testing.T) {
	t.Parallel()
	r := tide()
	p, err := provenance.Parse(statement(t, r))
	require.NoError(t, err)
	image := r.Images[0]
	require.Equal(t, image.Plan, p.Definition.External.Plan)
	require.Equal(t, provenance.Source{Repository: "https://github.com/harbour/tide", Commit: image.Plan.Commit}, p.Definition.External.Source)
	require.Equal(t, "local", p.Definition.Internal.Engine)
	require.Equal(t, runner.ID, p.Details.Builder.ID)
	require.Equal(t, runner.Invocation, p.Details.Metadata.Invocation)
	require.Equal(t, r.Run.Ended.UTC(), *p.Details.Metadata.Finished)
	require.Equal(t, image.Plan.Hash(amd64), p.PlanHash(amd64))
	require.NotEqual(t, p.PlanHash(arm64), p.PlanHash(amd64))
	require.Empty(t, p.PlanHash(plan.Platform{OS: "linux", Arch: "s390x"}))
	toml := p.Definition.Dependencies[len(p.Definition.Dependencies)-1]
	require.Equal(t, map[string]string{"dirHash": "2a1bb6127fb481c60f67692e22285fb306f3c6ffe62075e0ccf674d7c3adcb8f"}, toml.Digest)
	require.Equal(t, []string{"source", "base", "builder", "toolchain", "github.com/BurntSushi/toml"}, func() (names []string) {
		for _, d := range p.Definition.Dependencies {
			names = append(names, d.Name)
		}
		return names
	}())
}

func TestParse_PassesOverFieldsOfOthers(t *testing.T) {
	t.Parallel()
	s := statement(t, tide())
	s.Predicate = []byte(strings.Replace(string(s.Predicate), `"runDetails":{`, `"runDetails":{"byproducts":[{"name":"log"}],`, 1))
	_, err := provenance.Parse(s)
	require.NoError(t, err)
}

func TestParse_RefusesWhatMayMeanSomethingElse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		old, new string
		want     string
	}{
		"another parameter":       {`"externalParameters":{`, `"externalParameters":{"hook":"x",`, `unknown field "hook"`},
		"another field of a plan": {`"toolchain":`, `"hook":"x","toolchain":`, `unknown field "hook"`},
		"a field twice":           {`"externalParameters":{`, `"externalParameters":{"source":{},`, `the key "source" is there twice`},
		"a field in another case": {`"externalParameters":{"source"`, `"externalParameters":{"Source"`, "not written as Slipway writes them"},
		"an object twice":         {`"runDetails":{"builder"`, `"runDetails":{"builder":{"id":"me"},"builder"`, "is there twice"},
		"a builder in case":       {`"builder":{"id":`, `"builder":{"ID":`, "it names no builder"},
		"another build type":      {provenance.BuildType, "https://example.org/x", `its build type is "https://example.org/x"`},
		"no parameters":           {`"externalParameters":`, `"externalParameter":`, "there are none"},
		"another commit":          {`"commit":"c`, `"commit":"d`, "source and plan are of different commits"},
		"no commit":               {`"commit":"ccc`, `"commit":"-cc`, "is no commit"},
		"credentials":             {`"repository":"https://`, `"repository":"https://u:p@`, "is no plain URL"},
		"no programs":             {`"mains":[{"dir":".","package":"example.com/tide","name":"tide"}]`, `"mains":[]`, "no program"},
		"no object":               {`{"buildDefinition"`, `[{"buildDefinition"`, ""},
		"something after it":      {`"}}`, `"}}{}`, ""},
		"a deep one":              {`"runDetails":{`, `"runDetails":{"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `,`, "in each other"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := statement(t, tide())
			changed := strings.Replace(string(s.Predicate), test.old, test.new, 1)
			require.NotEqual(t, string(s.Predicate), changed)
			s.Predicate = []byte(changed)
			_, err := provenance.Parse(s)
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, err, "reading the provenance: ")
		})
	}
	s := statement(t, tide())
	s.PredicateType = attest.SPDX
	_, err := provenance.Parse(s)
	require.EqualError(t, err, `reading the provenance: the statement is of "https://spdx.dev/Document"`)
	s = statement(t, tide())
	s.Type = "https://in-toto.io/Statement/v0.1"
	_, err = provenance.Parse(s)
	require.ErrorContains(t, err, "statement of the type")
	s = statement(t, tide())
	s.Predicate = bytes.Repeat([]byte(" "), 9<<20)
	_, err = provenance.Parse(s)
	require.ErrorContains(t, err, "are read")
}

func TestFromEnvironment_NamesTheWorkflow(t *testing.T) {
	t.Parallel()
	github := map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "harbour/tide", "GITHUB_RUN_ID": "42",
		"GITHUB_RUN_ATTEMPT": "1", "GITHUB_WORKFLOW_REF": "harbour/tide/.github/workflows/publish.yml@refs/tags/v1.2.3", "GITHUB_TOKEN": "ghs_secret",
	}
	local := provenance.Runner{ID: provenance.Local}
	for name, test := range map[string]struct {
		change map[string]string
		want   provenance.Runner
	}{
		"GitHub":                 {nil, runner},
		"elsewhere":              {map[string]string{"GITHUB_ACTIONS": ""}, local},
		"credentials in it":      {map[string]string{"GITHUB_SERVER_URL": "https://u:p@github.com"}, local},
		"a server without TLS":   {map[string]string{"GITHUB_SERVER_URL": "http://github.com"}, local},
		"no workflow":            {map[string]string{"GITHUB_WORKFLOW_REF": ""}, local},
		"a way out":              {map[string]string{"GITHUB_WORKFLOW_REF": "a/b/.github/workflows/../../x.yml@refs/heads/x"}, local},
		"a hostile ref":          {map[string]string{"GITHUB_WORKFLOW_REF": "a/b/.github/workflows/x.yml@refs/heads/x\n#"}, local},
		"a run that is no one":   {map[string]string{"GITHUB_RUN_ID": "42?x"}, provenance.Runner{ID: runner.ID}},
		"a repository elsewhere": {map[string]string{"GITHUB_REPOSITORY": "a/b/c"}, provenance.Runner{ID: runner.ID}},
	} {
		got := provenance.FromEnvironment(func(key string) string {
			if changed, ok := test.change[key]; ok {
				return changed
			}
			return github[key]
		})
		require.Equal(t, test.want, got, name)
	}
}

func TestRepository_IsPlain(t *testing.T) {
	t.Parallel()
	const tide = "https://github.com/harbour/tide"
	for remote, want := range map[string]string{
		"https://github.com/harbour/tide.git": tide, "https://GitHub.com/harbour/tide/": tide, "https://x:ghp_secret@github.com/harbour/tide": tide,
		"https://github.com/harbour/tide?token=secret#x": tide, "git@github.com:harbour/tide.git": tide, "ssh://git:secret@github.com:22/harbour/tide.git": tide,
		"git://github.com/harbour/tide": tide, "github.com:harbour/tide\n": tide, "git@github.com:/harbour/tide": tide,
		"https://git.example.com:8443/a/b/c.git": "https://git.example.com:8443/a/b/c",
		"/srv/git/tide":                          "", "../tide": "", "file:///srv/tide": "", `C:\git\tide`: "", "C:/git/tide": "", "": "", "ext::sh -c x": "", "https://": "", "https://a b/": "",
	} {
		require.Equal(t, want, provenance.Repository(remote), remote)
		require.Equal(t, want, provenance.Repository(want), "it stays as it is")
	}
}

func FuzzParse(f *testing.F) {
	s := statement(f, tide())
	f.Add([]byte(s.Predicate))
	f.Add([]byte(`{"buildDefinition":{"buildType":"` + provenance.BuildType + `","externalParameters":{"source":{},"plan":{}}},"runDetails":{"builder":{"id":"x"}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := provenance.Parse(&attest.Statement{Type: attest.StatementType, PredicateType: attest.Provenance, Predicate: text})
		if err != nil {
			return
		}
		again, err := attest.New(attest.Provenance, p)
		require.NoError(t, err)
		same, err := provenance.Parse(again)
		require.NoError(t, err)
		require.Equal(t, p, same)
		for _, platform := range p.Definition.External.Plan.Platforms {
			require.NotEmpty(t, p.PlanHash(platform))
		}
	})
}
