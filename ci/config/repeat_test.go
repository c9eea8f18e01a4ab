package config_test

import (
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/fault"
)

// repeat gathers what a receipt's settings say among the others.
func repeat(t *testing.T, env map[string]string, settings map[string][]string, args ...string) (*config.Said, error) {
	t.Helper()
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags := config.Bind(set)
	require.NoError(t, set.Parse(args))
	return config.Repeat(nil, func(name string) string { return env[name] }, settings, flags)
}

func TestRepeat_StandsBetweenVariablesAndFlags(t *testing.T) {
	t.Parallel()
	said, err := repeat(t, map[string]string{"SLIPWAY_BASE": "scratch", "SLIPWAY_BUDGET": "3MB", "SOURCE_DATE_EPOCH": "1"},
		map[string][]string{"base": {"builtin"}, "tags": {"a,b", "c"}, "epoch": {"7"}, "debug": {"true"}}, "--tags=d")
	require.NoError(t, err)
	require.Equal(t, []string{"builtin", "3MB", "7"}, []string{said.Base, said.Budget, said.Epoch})
	require.Equal(t, []string{"d"}, said.Tags)
	require.True(t, said.Debug)
	require.Equal(t, map[string]config.Origin{
		"base": "the receipt", "budget": "SLIPWAY_BUDGET", "epoch": "the receipt", "tags": "--tags", "debug": "the receipt",
	}, said.Origins)
	require.Equal(t, map[string][]string{"base": {"builtin"}, "budget": {"3MB"}, "epoch": {"7"}, "tags": {"d"}, "debug": {"true"}}, said.Typed)
}

// A receipt comes from outside: it does not say what runs here, or who is asked.
func TestRepeat_LeavesToTheMachineWhatIsItsOwn(t *testing.T) {
	t.Parallel()
	settings := map[string][]string{
		"engine": {"dagger"}, "engine-host": {"tcp://evil.example:1"}, "mirror": {"gcr.io=evil.example"}, "output": {"/etc"}, "allow-exec": {"true"},
		"target": {"ghcr.io/team/tide"}, "image-tag": {"latest"}, "ref": {"refs/heads/main"}, "overwrite": {"true"}, "registry-token-file": {"ghcr.io=/etc/passwd"},
		"plain-http": {"evil.example:80"}, "attest": {"off"}, "sign": {"key"}, "sign-key": {"env://KEY"}, "signing-config": {"x"}, "trusted-root": {"x"},
		"scanner": {"evil"}, "trivy-db": {"evil.example/db"}, "trivy-db-age": {"9000h"}, "vulndb": {"https://evil.example"},
	}
	said, err := repeat(t, nil, settings)
	require.NoError(t, err)
	require.Empty(t, said.Origins)
	require.Equal(t, config.Settings{}, said.Settings)
	require.Empty(t, config.Repeated(settings))
	said, err = repeat(t, map[string]string{"SLIPWAY_ENGINE": "local"}, settings, "--allow-exec")
	require.NoError(t, err)
	require.Equal(t, "local", said.Engine)
	require.True(t, said.AllowExec)
}

func TestRepeat_RefusesWhatNobodyCanSay(t *testing.T) {
	t.Parallel()
	for want, settings := range map[string]map[string][]string{
		`the setting "weather"`:    {"weather": {"fine"}},
		`the setting "pre-build"`:  {"pre-build": {"rm -rf ."}},
		`the setting "exceptions"`: {"exceptions": {"all"}},
		`the setting "base"`:       {"base": {}},
		"setting debug":            {"debug": {"maybe"}},
		"setting env":              {"env": {"no form"}},
	} {
		_, err := repeat(t, nil, settings)
		require.Equal(t, fault.Usage, fault.KindOf(err), want)
		require.ErrorContains(t, err, want)
	}
}
