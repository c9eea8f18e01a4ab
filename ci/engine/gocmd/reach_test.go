package gocmd

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/tool"
)

func TestCanReach_NeedsTheReleaseThatTheCheckerNeeds(t *testing.T) {
	t.Parallel()
	line := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(tool.Govulncheck().Files()["go.mod"])
	require.NotNil(t, line)
	require.Equal(t, oldestReach, "go"+line[1])
	for release, can := range map[string]bool{"go1.26.0": true, "go1.26.9": true, "go1.27rc1": true, "go1.26rc2": false, "go1.25.12": false, "go1.9": false} {
		err := (&Go{Release: release}).CanReach()
		require.Equal(t, can, err == nil, release)
		if !can {
			require.EqualError(t, err, "reachability needs Go 1.26 or newer; the source builds with "+release+": pin a newer builder")
			require.Equal(t, fault.Unjudged, fault.KindOf(err))
		}
	}
}

func TestVulnDB_IsAnAddressOrAFolderOfItsForm(t *testing.T) {
	t.Parallel()
	folder := func(files ...string) string {
		dir := t.TempDir()
		for _, name := range files {
			file := filepath.Join(dir, filepath.FromSlash(name))
			require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
			require.NoError(t, os.WriteFile(file, nil, 0o644))
		}
		return dir
	}
	whole, zipped := folder("index/modules.json", "ID/GO-1.json"), folder("index/modules.json.gz")
	for _, said := range []string{whole, "file://" + whole} {
		dir, address, err := VulnDB(said)
		require.NoError(t, err)
		require.Equal(t, []string{whole, ""}, []string{dir, address})
	}
	for _, said := range []string{"https://vuln.go.dev", "http://127.0.0.1:80/db"} {
		dir, address, err := VulnDB(said)
		require.NoError(t, err)
		require.Equal(t, []string{"", said}, []string{dir, address})
	}
	for said, words := range map[string]string{
		"db":                 "is neither an address nor an absolute path",
		"ftp://a/b":          "is neither an address nor an absolute path",
		"file://host/db":     "is neither an address nor an absolute path",
		"":                   "is neither an address nor an absolute path",
		folder("a.json"):     "has no index/modules.json: give --vulndb an https address, or a folder",
		zipped:               "is compressed, which govulncheck reads at an address only: unpack it: gunzip --recursive " + zipped,
		whole + "/not/there": "has no index/modules.json",
	} {
		_, _, err := VulnDB(said)
		require.ErrorContains(t, err, "the database of vulnerable functions "+said+" "+words)
		require.Equal(t, fault.Unjudged, fault.KindOf(err))
	}
}

func TestFileURL_EscapesWhatAnAddressWouldTakeForItsOwn(t *testing.T) {
	t.Parallel()
	require.Equal(t, "file:///a%20b/c%3Fd%23e%25f", FileURL("/a b/c?d#e%f"))
}

func TestReachArgs_GoFromTheFirstMainToTheOthers(t *testing.T) {
	t.Parallel()
	target := func(tags []string, dirs ...string) engine.Target {
		t := engine.Target{Platform: plan.Platform{OS: "linux", Arch: "arm64"}, Build: plan.Build{Tags: tags}}
		for _, dir := range dirs {
			t.Mains = append(t.Mains, plan.Main{Dir: dir})
		}
		return t
	}
	for want, t1 := range map[string]engine.Target{
		"-json -db file:///db -C . -- .":                                               target(nil, "."),
		"-json -db file:///db -C . -tags a,b -- . ./cmd/x":                             target([]string{"a", "b"}, ".", "./cmd/x"),
		"-json -db file:///db -C ./cmd/x -- . ./../../cmd/y ./../../tools/z ./../../.": target(nil, "./cmd/x", "./cmd/y", "./tools/z", "."),
	} {
		require.Equal(t, want, strings.Join((&Go{}).ReachArgs(t1, "file:///db"), " "))
	}
	env := (&Go{}).ReachEnvironment(target(nil, "."))
	require.Subset(t, env, []string{"GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0", "GOFLAGS=-mod=readonly -buildvcs=false", "GOPACKAGESDRIVER=off"})
	require.Contains(t, (&Go{Source: engine.Source{Vendor: true}}).ReachEnvironment(target(nil, ".")), "GOFLAGS=-mod=vendor -buildvcs=false")
}

func TestUnreached_NamesTheDatabaseOrTheSource(t *testing.T) {
	t.Parallel()
	g := &Go{Source: engine.Source{Root: "/src", TreeRoot: "/src"}, Tree: "/src", Modules: "/modules"}
	for said, want := range map[string]string{
		"govulncheck: fetching vulnerabilities: Get \"https://db/index/modules.json.gz\": dial tcp: no route": "the database of vulnerable functions https://db cannot be read: Get \"https://db/index/modules.json.gz\": dial tcp: no route",
		"creating client: unrecognized vulndb format; see https://go.dev":                                     "the database of vulnerable functions https://db does not answer, or has no index/modules.json.gz",
		"govulncheck: loading packages: \nThere are errors\n/src/a.go:1:2: undefined: x":                      "govulncheck does not understand the source",
		"panic: runtime error": "govulncheck gave no answer: exit status 2",
		"":                     "govulncheck gave no answer: exit status 2",
	} {
		err := g.Unreached("https://db", Output{Stderr: []byte(said), Err: errors.New("exit status 2")})
		require.ErrorContains(t, err, want)
		require.Equal(t, fault.Unjudged, fault.KindOf(err))
		require.NotContains(t, strings.Join(detail(t, err), ""), "/src/")
	}
	long := g.Unreached("https://db", Output{Stderr: []byte(strings.Repeat("line\n", 1000)), Err: errors.New("exit status 2")})
	require.Len(t, detail(t, long), 30)
}

func detail(t *testing.T, err error) []string {
	t.Helper()
	told, ok := errors.AsType[*fault.Error](err)
	require.True(t, ok)
	return told.Detail
}
