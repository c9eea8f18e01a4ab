package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/fault"
)

const policyFile = `
keys: [release.pub, env://KEY, /keys/a.pub]
identities:
  - issuer: https://issuer.example.com
    identity: https://example.com/team/tide/.github/workflows/release.yml@refs/heads/main
  - {issuer: https://issuer.example.com, identity-regexp: "https://example.com/team/.*"}
builders: [https://example.com/builder]
sources: [https://example.com/team/tide]
budget: 9MB
require: [signature, provenance, sbom, scan]
`

func TestReadTrust_ReadsEveryKey(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "policy.yaml")
	require.NoError(t, os.WriteFile(name, []byte(policyFile), 0o644))
	got, err := config.ReadTrust(name)
	require.NoError(t, err)
	require.Equal(t, config.Trust{
		Keys: []string{filepath.Join(filepath.Dir(name), "release.pub"), "env://KEY", "/keys/a.pub"},
		Identities: []config.Identity{
			{Issuer: "https://issuer.example.com", Name: "https://example.com/team/tide/.github/workflows/release.yml@refs/heads/main"},
			{Issuer: "https://issuer.example.com", Pattern: "https://example.com/team/.*"},
		},
		Builders: []string{"https://example.com/builder"}, Sources: []string{"https://example.com/team/tide"},
		Budget: 9e6, Require: []string{"signature", "provenance", "sbom", "scan"},
	}, got)
	require.True(t, got.Requires(config.RequireScan))
}

func TestTrust_RequiresAllButAScanByItself(t *testing.T) {
	t.Parallel()
	for _, what := range config.Requirements() {
		require.Equal(t, what != config.RequireScan, config.Trust{}.Requires(what), what)
		require.Equal(t, what == config.RequireSBOM, config.Trust{Require: []string{config.RequireSBOM}}.Requires(what), what)
	}
}

// A policy that is read in another way than it was meant lets something pass.
func TestParseTrust_RefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"empty":               {"", "p.yaml is empty"},
		"no mapping":          {"- keys", "p.yaml:1: "},
		"no YAML":             {"keys: [", "p.yaml is not YAML"},
		"two documents":       {"keys: [a]\n---\nkeys: [b]\n", "more than one document"},
		"broken second":       {"keys: [a]\n---\n]", "more than one document"},
		"unknown":             {"keys: [a]\nkey: b\n", `p.yaml:2: unknown key "key"`},
		"twice":               {"keys: [a]\nkeys: [b]\n", `p.yaml:2: key "keys" is there twice`},
		"no key":              {"keys: []\n", "want at least one name"},
		"null":                {"keys:\n", "want at least one name"},
		"empty key":           {"keys: [a, '']\n", "want at least one name"},
		"alias":               {"keys: &k [a]\nbuilders: *k\n", `key "builders"`},
		"identities":          {"identities: x\n", "want a list of identities"},
		"no identity":         {"identities: []\n", "want a list of identities"},
		"identity's form":     {"identities:\n  - x\n", "p.yaml:2: "},
		"no issuer":           {"identities:\n  - identity: a\n", "needs its issuer"},
		"no name":             {"identities:\n  - issuer: a\n", "either exact or a regular expression"},
		"both":                {"identities:\n  - {issuer: a, identity: b, identity-regexp: c}\n", "either exact or a regular expression"},
		"identity's field":    {"identities:\n  - issuer: a\n    subject: b\n", `p.yaml:3: key "identities": an identity has no "subject"`},
		"issuer twice":        {"identities:\n  - issuer: a\n    issuer: b\n", "issuer is there twice"},
		"issuer is a list":    {"identities:\n  - issuer: [a]\n", "want one value for issuer"},
		"expression":          {"identities:\n  - {issuer: a, identity-regexp: '('}\n", "is no regular expression"},
		"budget":              {"budget: much\n", `"much" is not a size`},
		"no budget":           {"budget: 0\n", "no image is that small"},
		"requirement":         {"require: [sboms]\n", `nothing is called "sboms"`},
		"nothing is required": {"require: []\n", "want at least one name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.ParseTrust("p.yaml", []byte(tt.text))
			require.Equal(t, fault.Usage, fault.KindOf(err))
			require.ErrorContains(t, err, tt.want)
		})
	}
	_, err := config.ReadTrust(filepath.Join(t.TempDir(), "absent.yaml"))
	require.Equal(t, fault.Usage, fault.KindOf(err))
	_, err = config.ReadTrust(t.TempDir())
	require.ErrorContains(t, err, "not a regular file")
}

func FuzzParseTrust(f *testing.F) {
	f.Add(policyFile)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := config.ParseTrust("p.yaml", []byte(text))
		if err != nil {
			require.Equal(t, fault.Usage, fault.KindOf(err))
			return
		}
		for _, i := range got.Identities {
			require.NoError(t, i.Check())
		}
	})
}
