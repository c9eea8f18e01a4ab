package config_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/pins"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/project"
)

var update = flag.Bool("update", false, "write the generated files again")

// resolve makes a plan of a service of one main at a tagged commit.
func resolve(t *testing.T, file string, env map[string]string, args ...string) (*config.Plan, error) {
	t.Helper()
	parsed, err := config.ParseFile(config.FileName, []byte(file))
	if err != nil {
		return nil, err
	}
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags := config.Bind(set)
	require.NoError(t, set.Parse(args))
	said, err := config.Gather(parsed, func(name string) string { return env[name] }, flags)
	if err != nil {
		return nil, err
	}
	_, in := input(t, "")
	in.Said = said
	return config.Resolve(t.Context(), in)
}

// input is a service of one main at a tagged commit, and what its file says.
func input(t *testing.T, file string) (*config.Said, config.Input) {
	t.Helper()
	parsed, err := config.ParseFile(config.FileName, []byte(file))
	require.NoError(t, err)
	said, err := config.Gather(parsed, func(string) string { return "" }, config.Bind(pflag.NewFlagSet("", pflag.ContinueOnError)))
	require.NoError(t, err)
	pinned, err := pins.Read(t.TempDir())
	require.NoError(t, err)
	return said, config.Input{Pins: pinned, Dir: "/work", Project: &project.Project{
		Root: t.TempDir(), ModulePath: "example.com/tide", GoVersion: "1.25.0", Toolchain: "go1.99.0",
		Mains: []project.Main{{Dir: "./cmd/Tide_Table", Package: "example.com/tide/cmd/Tide_Table", Name: "Tide_Table"}},
		Git:   project.Git{Commit: strings.Repeat("ab", 20), CommitTime: time.Unix(1700000000, 0), Version: "v1.2.3"},
	}}
}

func TestResolve_FindsWhatNobodySays(t *testing.T) {
	t.Parallel()
	p, err := resolve(t, "", nil)
	require.NoError(t, err)
	img := p.Images[0]
	require.Equal(t, "tide-table", img.Name)
	require.Equal(t, "https://example.com/tide", img.Source)
	require.Equal(t, int64(1700000000), img.Epoch)
	require.Equal(t, []plan.Var{{Name: "main.commit", Value: strings.Repeat("ab", 20)}, {Name: "main.version", Value: "v1.2.3"}}, img.Build.Vars)
	require.Equal(t, "/work/.slipway", p.Run.Output)
	require.Equal(t, int64(15e6), p.Run.Budget)
	require.Equal(t, "localhost/tide-table:v1.2.3", config.Tag(img, false))
	require.Contains(t, strings.Join(p.Notes, "\n"), "go1.99.0", "a newer toolchain line is a note")
	for name := range p.Values() {
		require.NotEmpty(t, p.Origins[name], "%s has no origin", name)
	}
}

func TestGather_LaysStrongerPlacesOverWeakerOnes(t *testing.T) {
	t.Parallel()
	file, env := "port: [1, 2]\nuser: 1000\nlabel: {a: file}\n", map[string]string{"SLIPWAY_PORT": "3,4", "SOURCE_DATE_EPOCH": "9"}
	p, err := resolve(t, file, env, "--port", "5", "--port=6/udp", "--env", `A=1\,2,B=x=y`)
	require.NoError(t, err)
	img := p.Images[0]
	require.Equal(t, []string{"5/tcp", "6/udp"}, img.Config.Ports, "a stronger list replaces the weaker one")
	require.Equal(t, "1000", img.Config.User)
	require.Equal(t, int64(9), img.Epoch)
	require.Equal(t, []string{"A=1,2", "B=x=y"}, img.Config.Env)
	require.Equal(t, config.Origin("--port"), p.Origins["port"])
	require.Equal(t, config.Origin(".slipway.yaml:2"), p.Origins["user"])
	require.Equal(t, config.Origin("SOURCE_DATE_EPOCH"), p.Origins["epoch"])
	require.Equal(t, config.Origin(".slipway.yaml:3"), p.Origins["label"])
}

func TestResolve_MarksADirtyVersionUnlessTheUserSaidOne(t *testing.T) {
	t.Parallel()
	p, err := resolve(t, "", nil)
	require.NoError(t, err)
	p.MarkDirty(&p.Images[0])
	require.Equal(t, "v1.2.3+dirty", p.Images[0].Version)
	require.Equal(t, "v1.2.3+dirty", p.Images[0].Build.Vars[1].Value)
	require.Equal(t, "localhost/tide-table:v1.2.3-dirty-debug-builtin", func() string {
		p.Images[0].Build.Debug = true
		return config.Tag(p.Images[0], true)
	}())
	p, err = resolve(t, "version: v9.0.0", nil)
	require.NoError(t, err)
	p.MarkDirty(&p.Images[0])
	require.Equal(t, "v9.0.0", p.Images[0].Version)
	require.True(t, p.Images[0].Dirty)
}

// Every wrong value is named with the place that said it and with what is wanted.
func TestResolve_NamesAWrongValueAndItsPlace(t *testing.T) {
	t.Parallel()
	for file, says := range map[string]string{
		"prot: 1":                        `.slipway.yaml:1: unknown key "prot"`,
		"\n\nport: 1\nport: 2":           `.slipway.yaml:4: key "port" is there twice`,
		"port: {a: b}":                   `.slipway.yaml:1: key "port"`,
		"label: [a]":                     `.slipway.yaml:1: key "label"`,
		"label: {a: [b]}":                `.slipway.yaml:1: key "label"`,
		"debug: maybe":                   `.slipway.yaml:1: key "debug"`,
		"user: [1]":                      `.slipway.yaml:1: key "user"`,
		"pre-build: [go generate]":       `.slipway.yaml:1: key "pre-build"`,
		"- a":                            `.slipway.yaml:1: the file is not a list of keys`,
		"a: [":                           `.slipway.yaml is not YAML`,
		"port: 99999999":                 `.slipway.yaml:1: "99999999" is not a value for port`,
		"user: root":                     `"root" is not a value for user`,
		"user: 0":                        `"0" is not a value for user`,
		"user: 00:5":                     `"00:5" is not a value for user`,
		"base: gcr.io/a/b:c":             `has no digest`,
		"builder: golang:1.26@sha256:12": `malformed digest`,
		"platform: windows/amd64":        `.slipway.yaml:1: platform "windows/amd64"`,
		"workdir: srv":                   `"srv" is not a value for workdir`,
		"workdir: /srv/../etc":           `is not a value for workdir`,
		"stop-signal: TERM":              `is not a value for stop-signal`,
		"env: {1A: x}":                   `"1A" is not a value for env`,
		"label: {\"\": x}":               `is not a name for a label`,
		"tags: [-toolexec=evil]":         `is not a value for tags`,
		"set: {version: 1}":              `"version" is not a value for set`,
		"set: {-extld=a.b: 1}":           `is not a value for set`,
		"set: {main.v: \"a\\nb\"}":       `is not a value for set`,
		"strip: some":                    `is not a value for strip`,
		"certs: yes":                     `is not a value for certs`,
		"engine: cloud":                  `is not a value for engine`,
		"mirror: {gcr.io: http://x}":     `is not a value for mirror`,
		"budget: small":                  `"small" is not a size`,
		"target: a b":                    `is not a value for target`,
		"target: ghcr.io/a/b:tag":        `is not a value for target`,
		"version: a b":                   `is not a value for version`,
		"epoch: yesterday":               `is not a value for epoch`,
		"epoch: -1":                      `is not a value for epoch`,
		"name: Tide":                     `is not a value for name`,
		"capability: cap_fly":            `is not a value for capability`,
		"files: {/a: ../b}":              `is not a value for files`,
		"main: -toolexec=evil":           `toolexec`,
	} {
		_, err := resolve(t, file, nil)
		require.Error(t, err, file)
		require.Equal(t, fault.Usage, fault.KindOf(err), "%s: %v", file, err)
		require.Contains(t, err.Error(), says, file)
	}
}

func FuzzParseFile(f *testing.F) {
	f.Add("port: 8080\nlabel: {a: b}\n")
	f.Add("a: &a [*a]\n")
	f.Fuzz(func(t *testing.T, text string) {
		if file, err := config.ParseFile("f", []byte(text)); err == nil {
			_, err := config.Gather(file, func(string) string { return "" }, nil)
			if err != nil {
				require.Equal(t, fault.Usage, fault.KindOf(err))
			}
		} else {
			require.Equal(t, fault.Usage, fault.KindOf(err))
		}
	})
}

func TestSchema_IsTheCommittedOne(t *testing.T) {
	t.Parallel()
	want, err := json.MarshalIndent(config.Schema(), "", "  ")
	require.NoError(t, err)
	name := filepath.Join("..", "..", "docs", "slipway.schema.json")
	if *update {
		require.NoError(t, os.WriteFile(name, append(want, '\n'), 0o644))
	}
	got, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, string(want)+"\n", string(got), "go test ./ci/config -update writes it again")
}
