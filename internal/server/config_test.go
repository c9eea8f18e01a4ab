package server_test

import (
	"bytes"
	"flag"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/internal/server"
)

func TestParseConfig_ReadsTheFlags(t *testing.T) {
	t.Parallel()
	defaults := server.Config{Addr: ":8080", ShutdownTimeout: 10 * time.Second}
	with := func(change func(*server.Config)) server.Config {
		c := defaults
		change(&c)
		return c
	}
	tests := []struct {
		name string
		args []string
		want server.Config
	}{
		{"nothing", nil, defaults},
		{"address", []string{"--addr", "127.0.0.1:0"}, with(func(c *server.Config) { c.Addr = "127.0.0.1:0" })},
		{"deadline", []string{"--shutdown-timeout=1m"}, with(func(c *server.Config) { c.ShutdownTimeout = time.Minute })},
		{"version", []string{"--version"}, with(func(c *server.Config) { c.ShowVersion = true })},
		{"no host", []string{"--fetch-hosts", ""}, defaults},
		{"hosts", []string{"--fetch-hosts", "Example.COM, a-b.test,127.0.0.1"}, with(func(c *server.Config) {
			c.FetchHosts = []string{"example.com", "a-b.test", "127.0.0.1"}
		})},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := server.ParseConfig(test.args, io.Discard)
			require.NoError(t, err)
			require.Equal(t, test.want, got)
		})
	}
}

func TestParseConfig_RefusesWhatItCannotMean(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"unknown flag", []string{"--port", "80"}, "port"},
		{"argument", []string{"serve"}, `unexpected argument "serve"`},
		{"no deadline", []string{"--shutdown-timeout", "0"}, "not a positive time"},
		{"negative deadline", []string{"--shutdown-timeout", "-1s"}, "not a positive time"},
		{"host with a port", []string{"--fetch-hosts", "example.com:443"}, "not a host name"},
		{"URL", []string{"--fetch-hosts", "https://example.com"}, "not a host name"},
		{"wildcard", []string{"--fetch-hosts", "*.example.com"}, "not a host name"},
		{"empty host", []string{"--fetch-hosts", "example.com,,"}, "not a host name"},
		{"trailing dot", []string{"--fetch-hosts", "example.com."}, "not a host name"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := server.ParseConfig(test.args, io.Discard)
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestParseConfig_PrintsHelpWhereItIsAskedFor(t *testing.T) {
	t.Parallel()
	var help bytes.Buffer
	_, err := server.ParseConfig([]string{"--help"}, &help)
	require.ErrorIs(t, err, flag.ErrHelp)
	for _, name := range []string{"addr", "fetch-hosts", "shutdown-timeout", "version"} {
		require.Contains(t, help.String(), "-"+name)
	}
}
