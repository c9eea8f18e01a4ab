package e2e_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/dirhash"

	"example.com/slipway/ci/cli"
	"example.com/slipway/ci/e2e/rig"
)

// library is a module of the tests' own, as its authors wrote it.
var library = map[string]string{
	"go.mod": "module example.com/lib\n\ngo 1.25.0\n",
	"lib.go": "package lib\n\n// High is the time of high water.\nconst High = \"06:12\"\n",
}

const libraryAt = "example.com/lib@v1.0.0"

// A module that its proxy changed is named and not built. What was fetched then is
// not kept: the same caches build well once the proxy is honest again.
func TestHostile_AProxyThatChangesAModule(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	var tampered atomic.Bool
	tampered.Store(true)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		files := map[string]string{"go.mod": library["go.mod"], "lib.go": library["lib.go"]}
		if tampered.Load() {
			files["lib.go"] += "\nfunc init() { panic(\"changed\") }\n"
		}
		serveModule(w, r, files)
	}))
	t.Cleanup(proxy.Close)
	src := module(t, map[string]string{
		"go.mod":  "module example.com/tide\n\ngo 1.25.0\n\nrequire example.com/lib v1.0.0\n",
		"go.sum":  sums(t),
		"main.go": "package main\n\nimport \"example.com/lib\"\n\nfunc main() { print(lib.High) }\n",
	})
	env := environment(t, append(ownCaches(t), "GOPROXY="+proxy.URL, "GOSUMDB=off", "GOPRIVATE=", "GONOSUMDB=", "GONOPROXY=")...)
	out := filepath.Join(t.TempDir(), "out")
	r := buildSource(t, 2*time.Minute, src, env, "--output", out)
	require.Equal(t, cli.ExitSource, r.Code, "%s", r.Stderr)
	require.Contains(t, sentence(t, r), "module "+libraryAt+" does not have the checksum that go.sum or the checksum database says")
	require.NoDirExists(t, out)

	tampered.Store(false)
	said := digestOf(t, buildSource(t, 4*time.Minute, src, env, "--output", out))
	digest, _ := oneImage(t, out)
	require.Equal(t, said, digest)
}

// serveModule answers as a module proxy with one module in one version.
// https://go.dev/ref/mod#goproxy-protocol
func serveModule(w http.ResponseWriter, r *http.Request, files map[string]string) {
	var answer []byte
	switch r.URL.Path {
	case "/example.com/lib/@v/v1.0.0.info":
		answer = []byte(`{"Version":"v1.0.0"}`)
	case "/example.com/lib/@v/v1.0.0.mod":
		answer = []byte(files["go.mod"])
	case "/example.com/lib/@v/v1.0.0.zip":
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for _, name := range []string{"go.mod", "lib.go"} {
			f, err := z.Create(libraryAt + "/" + name)
			if err == nil {
				_, err = io.WriteString(f, files[name])
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
		if err := z.Close(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		answer = b.Bytes()
	default:
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(answer)
}

// sums is the go.sum of the library as its authors wrote it.
func sums(t *testing.T) string {
	t.Helper()
	hash := func(prefix string, names ...string) string {
		for i := range names {
			names[i] = prefix + names[i]
		}
		sum, err := dirhash.Hash1(names, func(name string) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(library[strings.TrimPrefix(name, prefix)])), nil
		})
		require.NoError(t, err)
		return sum
	}
	return fmt.Sprintf("example.com/lib v1.0.0 %s\nexample.com/lib v1.0.0/go.mod %s\n", hash(libraryAt+"/", "go.mod", "lib.go"), hash("", "go.mod"))
}

// ownCaches are a module cache and a cache of Slipway's for one test, with the
// toolchain and the compiled packages of the shared ones.
func ownCaches(t *testing.T) []string {
	t.Helper()
	// The shared cache has a toolchain when something was built.
	digestOf(t, buildSource(t, 8*time.Minute, module(t, nil), environment(t)))
	modules, cache := t.TempDir(), t.TempDir()
	// The module cache is read-only, and t.TempDir cannot remove that.
	t.Cleanup(func() { rig.Run(t, "", rig.Environ(), "chmod", "-R", "u+w", modules) })
	require.NoError(t, os.Symlink(filepath.Join(cacheDir(t), "go-build"), filepath.Join(cache, "go-build")))
	stamps, err := filepath.Glob(filepath.Join(cacheDir(t), "toolchains", "*.json"))
	require.NoError(t, err)
	for _, stamp := range stamps {
		text, err := os.ReadFile(stamp)
		require.NoError(t, err)
		var known map[string]any
		require.NoError(t, json.Unmarshal(text, &known))
		dir, _ := known["dir"].(string)
		link := filepath.Join(modules, "golang.org", filepath.Base(dir))
		require.NoError(t, os.MkdirAll(filepath.Dir(link), 0o755))
		require.NoError(t, os.Symlink(dir, link))
		put(t, cache, "toolchains/"+filepath.Base(stamp), strings.ReplaceAll(string(text), dir, link))
	}
	return []string{"GOMODCACHE=" + modules, "SLIPWAY_CACHE=" + cache}
}
