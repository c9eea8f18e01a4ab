package e2e_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/cli"
	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/engine/gocmd"
	"example.com/slipway/ci/step"
)

var update = flag.Bool("update", false, "write docs/services.md again")

// service is a Go module that others wrote, at an exact version.
type service struct {
	module, version string
	// special is what it is in the table for.
	special string
	// mains are for --main, where the module has several programs.
	mains []string
	// flags are more flags, of the rows that show what cannot be built.
	flags []string
	// starts are the programs of the image, how each is started, and a word of what
	// it prints then.
	starts []start
	// exit and says are the exit code and the sentence of what cannot be built.
	exit int
	says string
}

type start struct{ program, argument, word string }

// services build without configuration, or say why they cannot.
var services = []service{
	{module: "filippo.io/age", version: "v1.2.1", special: "two programs in one image", mains: []string{"./cmd/age", "./cmd/age-keygen"},
		starts: []start{{"age", "--help", "RECIPIENT"}, {"age-keygen", "--help", "OUTPUT"}}},
	{module: "github.com/caddyserver/caddy/v2", version: "v2.10.0", special: "a heavy tree, a major version in its path",
		starts: []start{{"caddy", "--help", "extensible server platform"}}},
	{module: "github.com/cloudflare/cfssl", version: "v1.6.5", special: "two of eleven programs, assets embedded", mains: []string{"./cmd/cfssl", "./cmd/cfssljson"},
		starts: []start{{"cfssl", "version", "go1."}, {"cfssljson", "--version", "go1."}}},
	{module: "github.com/go-task/task/v3", version: "v3.44.0", special: "completion scripts and templates embedded", mains: []string{"./cmd/task"},
		starts: []start{{"task", "--version", "3.44.0"}}},
	{module: "github.com/hashicorp/http-echo", version: "v1.0.0", special: "a main at the root",
		starts: []start{{"http-echo", "--version", "http-echo"}}},
	{module: "github.com/jpillora/chisel", version: "v1.10.1", special: "a main at the root beside a benchmark", mains: []string{"."},
		starts: []start{{"chisel", "--help", "Usage: chisel"}}},
	{module: "github.com/mccutchen/go-httpbin/v2", version: "v2.18.3", special: "assets embedded, no dependencies",
		starts: []start{{"go-httpbin", "--help", "allowed-redirect-domains"}}},
	{module: "github.com/nats-io/nats-server/v2", version: "v2.11.4", special: "a toolchain line",
		starts: []start{{"nats-server", "--version", "nats-server: v2.11.4"}}},
	{module: "github.com/peak/s5cmd/v2", version: "v2.3.0", special: "a vendor folder with a list and no packages",
		starts: []start{{"s5cmd", "version", "v0.0.0-dev"}}},
	{module: "github.com/prometheus/blackbox_exporter", version: "v0.27.0", special: "an underscore in its name",
		starts: []start{{"blackbox_exporter", "--version", "blackbox_exporter, version"}}},
	{module: "github.com/prometheus/statsd_exporter", version: "v0.28.0", special: "ports for TCP and for UDP",
		starts: []start{{"statsd_exporter", "--version", "statsd_exporter, version"}}},
	{module: "github.com/rakyll/hey", version: "v0.1.4", special: "a go line from before vendor folders of modules",
		starts: []start{{"hey", "--help", "Usage: hey"}}},
	{module: "github.com/tsenart/vegeta/v12", version: "v12.12.0", special: "a main at the root beside internal tools", mains: []string{"."},
		starts: []start{{"vegeta", "--version", "Runtime: go1."}}},

	{module: "github.com/google/gopacket", version: "v1.1.19", special: "cgo only", mains: []string{"./examples/pcapdump"}, exit: cli.ExitSource,
		says: "package github.com/google/gopacket/pcap needs cgo, and a static image is built without it"},
	{module: "github.com/google/ko", version: "v0.18.0", special: "a go line newer than the builder", mains: []string{"."}, exit: cli.ExitUsage,
		flags: []string{"--builder", "golang:1.23.4-alpine@sha256:" + strings.Repeat("0", 64)},
		says:  "asks for go1.24.0, the builder golang:1.23.4-alpine@sha256:" + strings.Repeat("0", 64) + " is older"},
	{module: "github.com/syncthing/syncthing", version: "v1.29.7", special: "generated code not committed", mains: []string{"./cmd/syncthing"}, exit: cli.ExitSource,
		says: "auto.Assets is undefined, and package github.com/syncthing/syncthing/lib/api/auto has a go:generate line"},
}

// Services that nobody here wrote build without configuration and start in a real
// runtime: on a read-only root, without capabilities and without a network.
func TestServices_BuildAndStart(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	rig.Need(t, runtime.GOARCH == "amd64", "the table of services is one of linux/amd64")
	net, env := rig.Podman(t)
	rows := make([]string, len(services))
	t.Run("each", func(t *testing.T) {
		for i, s := range services {
			t.Run(s.module, func(t *testing.T) {
				t.Parallel()
				src := s.source(t)
				s.requireListed(t, src)
				if s.exit != 0 {
					rows[i] = s.refused(t, src)
					return
				}
				archive, row := s.built(t, src)
				rows[i] = row
				s.requireSkeleton(t, src)
				s.requireStarts(t, net, env, archive)
			})
		}
	})
	if !t.Failed() {
		requireDocument(t, rows)
	}
}

// source copies the module out of the module cache, as its authors published it.
func (s service) source(t *testing.T) string {
	t.Helper()
	var m struct{ Dir string }
	text := rig.Must(t, t.TempDir(), append(rig.Environ(), "GOWORK=off"), "go", "mod", "download", "-json", s.module+"@"+s.version)
	require.NoError(t, json.Unmarshal([]byte(text), &m))
	dir := filepath.Join(t.TempDir(), "src")
	require.NoError(t, os.CopyFS(dir, os.DirFS(m.Dir)))
	return dir
}

// requireListed wants a module with several programs refused until one is chosen.
func (s service) requireListed(t *testing.T, src string) {
	t.Helper()
	if len(s.mains) == 0 {
		return
	}
	r := buildSource(t, patience, src, environment(t))
	require.Equal(t, cli.ExitUsage, r.Code, "%s", r.Stderr)
	require.Contains(t, sentence(t, r), "choose with --main ")
	for _, dir := range s.mains {
		require.Contains(t, r.Stderr, "\n  "+dir+"\n")
	}
}

// args are what the user of the service would type behind slipway build.
func (s service) args() []string {
	args := append([]string{}, s.flags...)
	for _, dir := range s.mains {
		args = append(args, "--main", dir)
	}
	return args
}

// built builds the image and returns its archive for the runtime and its row.
func (s service) built(t *testing.T, src string) (archive, row string) {
	t.Helper()
	out := t.TempDir()
	archive = filepath.Join(t.TempDir(), "image.tar")
	said := digestOf(t, buildSource(t, patience, src, environment(t), append(s.args(), "--output", out, "--tarball", archive)...))
	digest, img := oneImage(t, out)
	require.Equal(t, said, digest)
	var programs, started []string
	files := programsOf(t, img)
	for _, one := range s.starts {
		file, ok := files["app/"+one.program]
		require.True(t, ok, "%s has no program %s", s.module, one.program)
		programs = append(programs, one.program+" "+step.Size(int64(len(file))))
		started = append(started, "`"+one.program+" "+one.argument+"`")
	}
	require.Len(t, files, len(s.starts))
	return archive, fmt.Sprintf("| %s | %s | %s | %s | %s | %s |", s.module, s.version, s.special,
		step.Size(imageSize(t, img)), strings.Join(programs, ", "), strings.Join(started, ", "))
}

// requireSkeleton wants go list to answer about what a Dagger engine is shown of the source
// as it answers about the source.
func (s service) requireSkeleton(t *testing.T, src string) {
	t.Helper()
	bones, err := gocmd.ReadSkeleton(t.Context(), src)
	require.NoError(t, err)
	shown := t.TempDir()
	for name, text := range bones {
		put(t, shown, name, string(text))
	}
	mains := s.mains
	if len(mains) == 0 {
		mains = []string{"./..."}
	}
	listed := func(dir string) string {
		args := append([]string{"list", "-deps", "-mod=readonly", "-json=ImportPath,GoFiles,SFiles,HFiles,SysoFiles,EmbedFiles", "--"}, mains...)
		return rig.Must(t, dir, append(rig.Environ(), "GOWORK=off", "CGO_ENABLED=0"), "go", args...)
	}
	require.Equal(t, listed(src), listed(shown))
}

// requireStarts starts every program of an image.
func (s service) requireStarts(t *testing.T, net *rig.Network, env []string, archive string) {
	t.Helper()
	loaded := strings.Fields(net.Must(t, "", env, "podman", "load", "--quiet", "--input", archive))
	require.NotEmpty(t, loaded)
	for _, one := range s.starts {
		r := net.Run(t, "", env, "podman", "run", "--rm", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=none",
			"--entrypoint", "/app/"+one.program, loaded[len(loaded)-1], one.argument)
		require.Zero(t, r.Code, "%s %s: %s", one.program, one.argument, r.Stderr)
		require.Contains(t, r.Stdout+r.Stderr, one.word)
	}
}

// refused wants one sentence with the fix, the exit code, and nothing written.
func (s service) refused(t *testing.T, src string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	r := buildSource(t, patience, src, environment(t), append(s.args(), "--output", out)...)
	require.Equal(t, s.exit, r.Code, "%s", r.Stderr)
	said := strings.ReplaceAll(sentence(t, r), src+string(filepath.Separator), "")
	require.Contains(t, said, s.says)
	require.NoDirExists(t, out)
	return fmt.Sprintf("| %s | %s | %s | %d | %s |", s.module, s.version, s.special, r.Code, said)
}

// requireDocument compares the table in docs with what was built here.
func requireDocument(t *testing.T, rows []string) {
	t.Helper()
	var can, cannot []string
	for i, row := range rows {
		if services[i].exit == 0 {
			can = append(can, row)
		} else {
			cannot = append(cannot, row)
		}
	}
	text := `# Services that others wrote

Each of these is a Go module from the module proxy as its authors published it: without git, and with nothing added for Slipway. ` + "`slipway build --base builtin --platform linux/amd64`" + ` builds it, with ` + "`--main`" + ` where it has several programs and they are listed. Each program then starts in podman on a read-only root, without capabilities and without a network. The sizes are those of the image, compressed, and of its programs.

| service | version | what it is here for | image | programs | started with |
|---|---|---|---|---|---|
` + strings.Join(can, "\n") + `

These cannot be built. Slipway says why in one sentence, says what to do, and writes nothing.

| service | version | what it is here for | exit code | what Slipway says |
|---|---|---|---|---|
` + strings.Join(cannot, "\n") + `

The test writes this page: ` + "`go test ./ci/e2e -run TestServices -update`" + `.
`
	file := filepath.Join(repository(t), "docs", "services.md")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), text, "-update writes docs/services.md again")
}
