package e2e_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/base/builtin"
	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/layer"
	"example.com/slipway/ci/plan"
)

// seed pushes a stand-in for distroless static to a registry and returns its pin,
// under the name that users give it, and the digest of its amd64 child.
func seed(t *testing.T, address string) (pin string, child v1.Hash) {
	t.Helper()
	platforms := []plan.Platform{{OS: "linux", Arch: "amd64"}, {OS: "linux", Arch: "arm64"}, {OS: "linux", Arch: "arm", Variant: "v7"}}
	idx, err := builtin.Index(platforms)
	require.NoError(t, err)
	tag, err := name.NewTag(address + "/distroless/static-debian13:nonroot")
	require.NoError(t, err)
	require.NoError(t, remote.WriteIndex(tag, idx))
	digest, err := idx.Digest()
	require.NoError(t, err)
	m, err := idx.IndexManifest()
	require.NoError(t, err)
	for _, d := range m.Manifests {
		if d.Platform.Architecture == "amd64" {
			child = d.Digest
		}
	}
	return "gcr.io/distroless/static-debian13:nonroot@" + digest.String(), child
}

// A base pinned by digest comes from a real registry, through a mirror, and is not
// asked for a second time.
func TestBase_ComesFromARealRegistry(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	address := rig.Registry(t)
	pin, _ := seed(t, address)
	src, cache, out := fixture(t), bases(t), t.TempDir()
	args := []string{"build", "--src", src, "--builder", builder, "--base", pin, "--mirror", "gcr.io=" + address, "--output", out}
	r := rig.Run(t, "", environment(t, cache), slipway(t), args...)
	digest := digestOf(t, r)
	require.Regexp(t, `base +done`, r.Stderr)
	again := rig.Run(t, "", environment(t, cache), slipway(t), append(args, "--no-record")...)
	require.Equal(t, digest, digestOf(t, again))
	require.Regexp(t, `base +cached`, again.Stderr)

	idx := readLayout(t, filepath.Join(out, "tide"))
	m, err := idx.IndexManifest()
	require.NoError(t, err)
	require.Len(t, m.Manifests, 2)
	require.Equal(t, "gcr.io/distroless/static-debian13:nonroot", m.Annotations["org.opencontainers.image.base.name"], "the pin's name, never the mirror's")
	require.Equal(t, pin[strings.Index(pin, "@")+1:], m.Annotations["org.opencontainers.image.base.digest"])

	all := digestOf(t, rig.Run(t, "", environment(t, cache), slipway(t), append(args, "--platform", "all")...))
	require.NotEqual(t, digest, all)
	m, err = readLayout(t, filepath.Join(out, "tide")).IndexManifest()
	require.NoError(t, err)
	require.Len(t, m.Manifests, 3, "every platform of the base")
}

// bases gives a build a base cache of its own, and the compiled standard library
// that all tests share.
func bases(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	shared := cacheDir(t)
	require.NoError(t, os.MkdirAll(shared, 0o755))
	for _, name := range []string{"go-build", "toolchains", "bin", "layers", "empty"} {
		require.NoError(t, os.MkdirAll(filepath.Join(shared, name), 0o755))
		require.NoError(t, os.Symlink(filepath.Join(shared, name), filepath.Join(dir, name)))
	}
	return "SLIPWAY_CACHE=" + dir
}

func readLayout(t *testing.T, dir string) v1.ImageIndex {
	t.Helper()
	p, err := layout.FromPath(dir)
	require.NoError(t, err)
	top, err := p.ImageIndex()
	require.NoError(t, err)
	require.NoError(t, validate.Index(top))
	m, err := top.IndexManifest()
	require.NoError(t, err)
	require.Len(t, m.Manifests, 1)
	idx, err := top.ImageIndex(m.Manifests[0].Digest)
	require.NoError(t, err)
	return idx
}

// Each trouble with a registry has its own sentence and the registry's exit code,
// and nothing is built or written.
func TestBase_TroubleIsNamed(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	address := rig.Registry(t)
	pin, child := seed(t, address)
	pinned := pin[strings.Index(pin, "@")+1:]
	other := "sha256:" + strings.Repeat("0", 64)
	status := func(code int) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }))
		t.Cleanup(s.Close)
		return s.Listener.Addr().String()
	}
	for title, c := range map[string]struct {
		mirror, base string
		code         int
		says         []string
	}{
		"no such digest":     {address, strings.Replace(pin, pinned, other, 1), 30, []string{other}},
		"other bytes":        {liar(t, address, pinned, other), strings.Replace(pin, pinned, other, 1), 30, []string{other, pinned}},
		"nobody listens":     {rig.FreePort(t), pin, 30, []string{"gcr.io", pinned}},
		"hangs":              {silent(t), pin, 30, []string{"5s"}},
		"wants a password":   {status(http.StatusUnauthorized), pin, 30, []string{"401"}},
		"not found":          {status(http.StatusNotFound), pin, 30, []string{pinned}},
		"server error":       {status(http.StatusInternalServerError), pin, 30, []string{"500"}},
		"one platform only":  {address, strings.Replace(pin, pinned, child.String(), 1), 2, []string{"linux/arm64", "linux/amd64"}},
		"an absent platform": {address, pin, 2, []string{"linux/s390x"}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			work := t.TempDir()
			args := []string{"build", "--src", fixture(t), "--builder", builder, "--base", c.base, "--mirror", "gcr.io=" + c.mirror}
			if title == "an absent platform" {
				args = append(args, "--platform", "linux/s390x")
			}
			r := rig.Run(t, work, environment(t, bases(t)), slipway(t), args...)
			require.Equal(t, c.code, r.Code, "%s", r.Stderr)
			require.Empty(t, r.Stdout)
			for _, word := range c.says {
				require.Contains(t, r.Stderr, word)
			}
			require.Contains(t, r.Stderr, "fix: ")
			require.NotContains(t, r.Stderr, "build linux", "nothing is built before the base is known")
			left, err := os.ReadDir(work)
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

// liar answers for one digest with the bytes of another.
func liar(t *testing.T, address, truth, asked string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		url := "http://" + address + strings.Replace(r.URL.Path, asked, truth, 1)
		req, err := http.NewRequestWithContext(r.Context(), r.Method, url, nil)
		if err != nil {
			return
		}
		req.Header = r.Header
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return
		}
		defer resp.Body.Close()
		for key := range resp.Header {
			w.Header().Set(key, strings.ReplaceAll(resp.Header.Get(key), truth, asked))
		}
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// silent takes connections and never answers.
func silent(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(context.WithoutCancel(t.Context()), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// The sample's image is small, and is the base, the program and next to nothing.
func TestBuild_AddsTheProgramAndNothingElse(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	out := t.TempDir()
	r := rig.Run(t, "", environment(t), slipway(t), "build", "--src", repository(t), "--base", "builtin", "--output", out)
	digestOf(t, r)
	m, err := readLayout(t, filepath.Join(out, "server")).IndexManifest()
	require.NoError(t, err)
	base, err := builtin.Index([]plan.Platform{{OS: "linux", Arch: "amd64"}})
	require.NoError(t, err)
	baseManifest, err := base.IndexManifest()
	require.NoError(t, err)
	baseImage, err := base.Image(baseManifest.Manifests[0].Digest)
	require.NoError(t, err)
	baseSize := imageSize(t, baseImage)
	for _, d := range m.Manifests {
		img, err := readLayout(t, filepath.Join(out, "server")).Image(d.Digest)
		require.NoError(t, err)
		total := imageSize(t, img)
		require.LessOrEqual(t, total, int64(10e6))
		program, err := rig.ProgramSize(img, layer.Gzip)
		require.NoError(t, err)
		t.Logf("%s: %d bytes, base %d, program %d, over %d", d.Platform, total, baseSize, program, total-baseSize-program)
		require.LessOrEqual(t, total-baseSize-program, int64(4096), "base, program and at most 4 KB")
	}
	text, err := json.Marshal(m)
	require.NoError(t, err)
	require.NotContains(t, string(text), repository(t))
}
