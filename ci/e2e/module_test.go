package e2e_test

import (
	"net"
	"net/http"
	"net/http/cgi"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/receipt"
)

// The Dagger module is called as its users call it.
func TestModule(t *testing.T) {
	rig.Slow(t)
	m := newCalled(t)
	src := fixture(t)
	local := t.TempDir()
	digest := digestOf(t, m.local(t, src, local))
	// When all calls have ended, so that no file goes away while it is read.
	t.Cleanup(func() {
		requireWithout(t, filepath.Join(cacheDir(t), "engine", "engines", m.engine.Name), m.proxy.password)
	})

	t.Run("lists its functions with what they do", func(t *testing.T) {
		listed := rig.Must(t, m.home, m.engine.Env, m.engine.Dagger, "functions")
		for _, name := range []string{"binary", "build", "check", "digest", "image", "plan", "publish", "report", "scan", "serve", "test"} {
			require.Regexp(t, `(?m)^`+name+` +\S+ \S+`, listed)
		}
	})
	t.Run("is as the code generator leaves it", func(t *testing.T) {
		before := rig.Must(t, m.home, rig.Environ(), "git", "status", "--porcelain")
		rig.Must(t, m.home, m.engine.Env, m.engine.Dagger, "develop")
		require.Equal(t, before, rig.Must(t, m.home, rig.Environ(), "git", "status", "--porcelain"))
		// It has tidied go.mod and go.sum too: without the tests of what the module imports,
		// which are not sent to the engine.
		rig.Must(t, filepath.Join(m.home, "ci", "module"), rig.Environ(), "go", "vet", ".")
	})
	t.Run("makes the image that slipway makes", func(t *testing.T) {
		t.Parallel()
		archive, theirs := filepath.Join(t.TempDir(), "image.tar"), t.TempDir()
		m.must(t, "image", "--src", src, "export", "--path", archive)
		rig.Must(t, "", rig.Environ(), "tar", "--extract", "--file", archive, "--directory", theirs)
		rig.Must(t, "", rig.Environ(), "diff", "--recursive", filepath.Join(local, "tide"), theirs)
		require.Equal(t, digest, m.must(t, "digest", "--src", src))
	})
	t.Run("takes a git address", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, digest, m.must(t, "digest", "--src", m.gitServer(t, src)+"#v1.4.0"))
	})
	t.Run("answers in a service that init wrote dagger.json for", func(t *testing.T) {
		t.Parallel()
		requireInitialised(t, m)
	})
	t.Run("starts a service that answers", func(t *testing.T) {
		t.Parallel()
		address := rig.FreePort(t)
		_, port, err := net.SplitHostPort(address)
		require.NoError(t, err)
		args := m.args("build", "--src", ".", "as-service", "up", "--ports", port+":8080")
		cmd := rig.Daemon(t, m.engine.Env, "env", slices.Concat([]string{"--chdir", m.home, m.engine.Dagger}, args)...)
		rig.Eventually(t, 5*time.Minute, "the service answers", func() bool {
			resp, err := http.Get("http://" + address + "/healthz")
			if err != nil {
				return false
			}
			resp.Body.Close()
			return resp.StatusCode == http.StatusOK
		})
		require.Nil(t, cmd.ProcessState)
	})
	t.Run("says what the compiler says", func(t *testing.T) {
		t.Parallel()
		src := fixture(t)
		require.NoError(t, os.WriteFile(filepath.Join(src, "table", "table.go"), []byte("package table\n\nfunc High() string { var unused int }\n"), 0o644))
		ours := m.local(t, src, t.TempDir(), "--platform", "linux/amd64")
		require.Equal(t, 10, ours.Code)
		_, said, found := strings.Cut(ours.Stderr, "error: ")
		require.True(t, found)
		theirs := rig.Run(t, m.home, m.engine.Env, m.engine.Dagger, m.args("build", "--src", src, "--platform", "linux/amd64")...)
		require.NotZero(t, theirs.Code)
		require.Contains(t, said, "table.go:3")
		require.Contains(t, theirs.Stderr, strings.TrimSpace(said))
	})
	t.Run("says what a failing test says", func(t *testing.T) {
		t.Parallel()
		src := fixture(t)
		require.NoError(t, os.WriteFile(filepath.Join(src, "table", "table_test.go"), []byte("package table\n\nimport \"testing\"\n\nfunc TestHigh(t *testing.T) { t.Fatal(\"no water\") }\n"), 0o644))
		r := rig.Run(t, m.home, m.engine.Env, m.engine.Dagger, m.args("test", "--src", src)...)
		require.NotZero(t, r.Code)
		require.Contains(t, r.Stderr, "the test TestHigh fails")
		require.Contains(t, r.Stderr, "table_test.go:5: no water")
	})
	t.Run("fetches private modules with a secret", func(t *testing.T) {
		t.Parallel()
		machine := net.JoinHostPort(m.engine.Gateway, m.proxy.port)
		src, home := m.proxy.service(t, machine)
		args := []string{"--base", "builtin", "--go-env", "GOPROXY=https://" + machine + ",GONOSUMDB=private.example", "digest", "--src", src}
		without := rig.Run(t, m.home, m.engine.Env, m.engine.Dagger, m.args(args...)...)
		require.NotZero(t, without.Code)
		require.Contains(t, without.Stderr, "refused to give private.example/lib")
		with := rig.Run(t, m.home, m.engine.Env, m.engine.Dagger, m.args(append([]string{"--netrc", "file://" + filepath.Join(home, ".netrc")}, args...)...)...)
		require.Zero(t, with.Code, with.Stderr)
		require.NotContains(t, with.Stderr, m.proxy.password)
	})
	t.Run("judges as slipway does", func(t *testing.T) {
		t.Parallel()
		requireJudged(t, m)
	})
}

// requireJudged wants the verdict of the command from the module, and its report.
func requireJudged(t *testing.T, m *called) {
	t.Helper()
	_, port, err := net.SplitHostPort(m.images.Address)
	require.NoError(t, err)
	database := net.JoinHostPort(m.engine.Gateway, port) + "/trivy-db"
	rig.NewArtifact(t, rig.MakeDatabase(t, time.Now().Add(-time.Hour), rig.Advisories()...), "").Push(t, m.images.Address, "trivy-db")
	judge := func(function ...string) rig.Result {
		args := append([]string{"--setting", "trivy-db=" + database, "--setting", "scanner=" + m.images.Scanner(t)}, function...)
		return rig.Run(t, m.home, m.engine.Env, m.engine.Dagger, m.args(args...)...)
	}
	src, out := write(t, "harbour", harbour), t.TempDir()
	r := judge("check", "--src", src)
	require.Zero(t, r.Code, r.Stderr)
	require.Contains(t, r.Stdout, "passed: 5 gates passed, 1 skipped (reproducible)")
	require.Contains(t, r.Stdout, digestOf(t, m.local(t, src, t.TempDir())))
	r = judge("report", "--src", src, "export", "--path", filepath.Join(out, "report"))
	require.Zero(t, r.Code, r.Stderr)
	require.Equal(t, receipt.Passed, readReceipt(t, out).Verdict)
	target := net.JoinHostPort(m.engine.Gateway, port) + "/team/harbour"
	host, _, _ := strings.Cut(target, "/")
	r = judge("--setting", "plain-http="+host, "publish", "--src", src, "--target", target, "--image-tag", "type=raw,value=stable")
	require.Zero(t, r.Code, r.Stderr)
	digest := digestOf(t, m.local(t, src, t.TempDir()))
	require.Equal(t, target+"@"+digest, strings.TrimSpace(r.Stdout))
	require.Equal(t, digest, rig.Must(t, "", rig.Environ(), rig.Tool(t, "crane"), "digest", m.images.Address+"/team/harbour:stable"))
	vulnerable := write(t, "harbour", with(harbour, map[string]string{
		"go.mod": harbour["go.mod"] + "\nrequire golang.org/x/text v0.3.7\n", "go.sum": textSums,
		"start.go": "package main\n\nimport \"golang.org/x/text/language\"\n\nfunc start() { _ = language.English }\n",
	}))
	r = judge("scan", "--src", vulnerable)
	require.NotZero(t, r.Code)
	require.Contains(t, r.Stderr, "CVE-2022-32149")
	require.Contains(t, r.Stderr, "the gate vulnerabilities refuses the image")
}

// called is a checkout with the Dagger module, and an engine to call it on.
type called struct {
	*lab
	home string
	// proxy has a private module, and a certificate that the engine knows.
	proxy *closedProxy
}

func newCalled(t *testing.T) *called {
	t.Helper()
	m := &called{lab: newLab(t), home: filepath.Join(t.TempDir(), "slipway")}
	checkout(t, m.home)
	// Only an engine that runs says where its containers find this machine.
	m.proxy = newClosedProxy(t, m.engine.Gateway)
	m.start(t, "--ca", m.proxy.ca)
	return m
}

// args are those of dagger for a call. The module runs in a container, out of reach of
// this machine's loopback address.
func (m *called) args(function ...string) []string {
	_, port, err := net.SplitHostPort(m.images.Address)
	if err != nil {
		panic(err)
	}
	mirror := "gcr.io=" + net.JoinHostPort(m.engine.Gateway, port)
	return append([]string{"call", "--builder", m.images.Builder, "--base", m.images.Base, "--mirror", mirror}, function...)
}

// must calls a function and returns what it returns.
func (m *called) must(t *testing.T, function ...string) string {
	t.Helper()
	return rig.Must(t, m.home, m.engine.Env, m.engine.Dagger, m.args(function...)...)
}

// requireInitialised wants dagger call to work in a service with the dagger.json that init
// writes, and no other argument than the pins of the tests.
func requireInitialised(t *testing.T, m *called) {
	t.Helper()
	here, served := filepath.Join(t.TempDir(), "slipway"), t.TempDir()
	checkout(t, here)
	git(t, here, "add", "--all")
	git(t, here, "commit", "--quiet", "--allow-empty", "--message=as it is now")
	git(t, here, "clone", "--quiet", "--bare", here, filepath.Join(served, "slipway.git"))
	commit := git(t, here, "rev-parse", "HEAD")
	src := write(t, "harbour", harbour)
	rig.Must(t, "", environment(t), slipway(t), "init", "--src", src, "--dagger", "--action", "example/slipway@"+commit, "--target", nowhere)
	// The engine reaches no GitHub. Of an address of a module it forgets the port.
	file := filepath.Join(src, "dagger.json")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	address := strings.TrimSuffix(m.serveGit(t, "80", served), ":80")
	moved := strings.Replace(string(text), "github.com/example/slipway@", address+"/slipway.git@", 1)
	require.NotEqual(t, string(text), moved)
	require.NoError(t, os.WriteFile(file, []byte(moved), 0o644))
	git(t, src, "add", "--all")
	git(t, src, "commit", "--quiet", "--message=slipway init --dagger")
	digest := rig.Must(t, src, m.engine.Env, m.engine.Dagger, m.args("digest")...)
	require.Equal(t, digestOf(t, m.local(t, src, t.TempDir())), digest)
}

// gitServer serves a repository to the engine over HTTP and returns its address.
func (m *called) gitServer(t *testing.T, repository string) string {
	t.Helper()
	return m.serveGit(t, "0", repository) + "/.git"
}

// serveGit serves the repositories in a folder to the engine over HTTP.
func (m *called) serveGit(t *testing.T, port, folder string) string {
	t.Helper()
	backend := filepath.Join(rig.Must(t, "", rig.Environ(), "git", "--exec-path"), "git-http-backend")
	listener, err := net.Listen("tcp", net.JoinHostPort(m.engine.Gateway, port))
	require.NoError(t, err)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: &cgi.Handler{
		Path: backend, Env: []string{"GIT_PROJECT_ROOT=" + folder, "GIT_HTTP_EXPORT_ALL=1"},
	}}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return "http://" + listener.Addr().String()
}
