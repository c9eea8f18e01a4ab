package base_test

import (
	"context"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/base"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
)

var (
	amd64 = plan.Platform{OS: "linux", Arch: "amd64"}
	arm64 = plan.Platform{OS: "linux", Arch: "arm64"}
	armv7 = plan.Platform{OS: "linux", Arch: "arm", Variant: "v7"}

	// As real bases write them: arm64 with a variant, arm without.
	usual = []v1.Platform{
		{OS: "linux", Architecture: "amd64"},
		{OS: "linux", Architecture: "arm64", Variant: "v8"},
		{OS: "linux", Architecture: "arm"},
	}
)

func TestFetch_CopiesBytesExactly(t *testing.T) {
	t.Parallel()
	for name, media := range map[string]types.MediaType{"oci": types.OCIImageIndex, "docker": types.DockerManifestList} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			index := indexFor(t, media, usual...)
			_, pin := filled(t, index)
			b, err := base.Fetch(t.Context(), request(t, pin))
			require.NoError(t, err)
			require.Equal(t, pin.Name, b.Name)
			require.Equal(t, pin.Digest, b.Digest)
			require.False(t, b.Cached)
			require.False(t, b.Builtin)
			require.Equal(t, []plan.Platform{amd64, armv7, arm64}, b.Platforms())

			manifest, err := index.IndexManifest()
			require.NoError(t, err)
			for n, p := range []plan.Platform{amd64, arm64, armv7} {
				digest, err := b.Images[p].Digest()
				require.NoError(t, err)
				require.Equal(t, manifest.Manifests[n].Digest, digest)
				require.NoError(t, validate.Image(b.Images[p]))
				original, err := index.Image(digest)
				require.NoError(t, err)
				require.Equal(t, layersOf(t, original), layersOf(t, b.Images[p]))
			}
		})
	}
}

func TestFetch_AsksTheMirrorAndKeepsTheName(t *testing.T) {
	t.Parallel()
	for _, home := range []string{"gcr.io", "docker.io"} {
		s, pin := filled(t, indexFor(t, types.OCIImageIndex, usual...))
		pin.Name = home + "/" + repository
		r := request(t, pin)
		r.Mirrors = map[string]string{home: s.host}
		b, err := base.Fetch(t.Context(), r)
		require.NoError(t, err)
		require.Equal(t, pin.Name, b.Name)
		require.Positive(t, s.requests.Load())
	}
}

func TestFetch_AsksNobodyWhenAllIsCached(t *testing.T) {
	t.Parallel()
	s, pin := filled(t, indexFor(t, types.OCIImageIndex, usual...))
	r := request(t, pin)
	r.Platforms = []plan.Platform{amd64, arm64}
	first, err := base.Fetch(t.Context(), r)
	require.NoError(t, err)
	asked := s.requests.Load()

	second, err := base.Fetch(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, asked, s.requests.Load())
	require.True(t, second.Cached)
	for p, image := range first.Images {
		require.Equal(t, layersOf(t, image), layersOf(t, second.Images[p]))
	}

	r.Platforms = []plan.Platform{armv7}
	third, err := base.Fetch(t.Context(), r)
	require.NoError(t, err)
	require.False(t, third.Cached)
}

func TestFetch_FetchesAgainWhatIsDamaged(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(data []byte) []byte{
		"changed":   func(data []byte) []byte { data[len(data)/2] ^= 1; return data },
		"truncated": func(data []byte) []byte { return data[:len(data)-1] },
		"longer":    func(data []byte) []byte { return append(data, ' ') },
		"empty":     func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, pin := filled(t, indexFor(t, types.OCIImageIndex, usual[0]))
			r := request(t, pin)
			first, err := base.Fetch(t.Context(), r)
			require.NoError(t, err)
			want := layersOf(t, first.Images[amd64])
			kept := cached(t, r.Cache)
			require.Len(t, kept, 5) // index, manifest, configuration, two layers
			for _, file := range kept {
				data, err := os.ReadFile(file)
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(file, damage(data), 0o600))
				before := s.requests.Load()
				again, err := base.Fetch(t.Context(), r)
				require.NoError(t, err)
				require.False(t, again.Cached)
				require.Greater(t, s.requests.Load(), before)
				require.Equal(t, want, layersOf(t, again.Images[amd64]))
			}
			require.Equal(t, kept, cached(t, r.Cache))
		})
	}
}

func TestFetch_LayerThatChangesLaterEndsInAnError(t *testing.T) {
	t.Parallel()
	_, pin := filled(t, imageFor(t, usual[0]))
	r := request(t, pin)
	b, err := base.Fetch(t.Context(), r)
	require.NoError(t, err)
	layers, err := b.Images[amd64].Layers()
	require.NoError(t, err)
	digest, err := layers[0].Digest()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(r.Cache, "sha256", digest.Hex), []byte("other"), 0o600))
	content, err := layers[0].Compressed()
	require.NoError(t, err)
	defer content.Close()
	_, err = io.ReadAll(content)
	require.ErrorContains(t, err, "was changed since it was fetched")
}

func TestFetch_RefusesMissingPlatformBeforeAnyLayer(t *testing.T) {
	t.Parallel()
	riscv := plan.Platform{OS: "linux", Arch: "riscv64"}
	for name, tc := range map[string]struct {
		content func(t *testing.T) (*server, plan.Pin)
		wanted  []plan.Platform
		says    string
	}{
		"index": {
			func(t *testing.T) (*server, plan.Pin) { return filled(t, indexFor(t, types.OCIImageIndex, usual...)) },
			[]plan.Platform{amd64, riscv}, "no image for linux/riscv64; it has linux/amd64, linux/arm/v7, linux/arm64",
		},
		"attestation is no platform": {
			func(t *testing.T) (*server, plan.Pin) {
				return filled(t, indexFor(t, types.OCIImageIndex, usual[0]))
			},
			[]plan.Platform{{OS: "linux", Arch: "s390x"}}, "no image for linux/s390x; it has linux/amd64",
		},
		"one image": {
			func(t *testing.T) (*server, plan.Pin) { return filled(t, imageFor(t, usual[0])) },
			[]plan.Platform{arm64}, "no image for linux/arm64; it has linux/amd64",
		},
		"only windows": {
			func(t *testing.T) (*server, plan.Pin) { return filled(t, indexFor(t, types.OCIImageIndex)) },
			nil, "no image for a platform that Slipway builds",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, pin := tc.content(t)
			r := request(t, pin)
			r.Platforms = tc.wanted
			_, err := base.Fetch(t.Context(), r)
			require.ErrorContains(t, err, tc.says)
			require.ErrorContains(t, err, pin.String())
			require.Equal(t, fault.Usage, fault.KindOf(err))
			require.LessOrEqual(t, s.layers.Load(), int64(1), "at most the configuration")
		})
	}
}

func TestFetch_TakesTheNextLowerLevel(t *testing.T) {
	t.Parallel()
	v3 := plan.Platform{OS: "linux", Arch: "amd64", Variant: "v3"}
	_, pin := filled(t, indexFor(t, types.OCIImageIndex, usual[0], v1.Platform{OS: "linux", Architecture: "arm", Variant: "v6"}))
	r := request(t, pin)
	r.Platforms = []plan.Platform{v3, amd64, armv7, {OS: "linux", Arch: "amd64", Variant: "v1"}}
	b, err := base.Fetch(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, []plan.Platform{amd64, v3, armv7}, b.Platforms())
	require.Equal(t, layersOf(t, b.Images[amd64]), layersOf(t, b.Images[v3]))

	r.Platforms = []plan.Platform{{OS: "linux", Arch: "arm", Variant: "v5"}}
	_, err = base.Fetch(t.Context(), r)
	require.ErrorContains(t, err, "no image for linux/arm/v5")
}

func TestFetch_TakesOneImageForItsPlatform(t *testing.T) {
	t.Parallel()
	_, pin := filled(t, imageFor(t, usual[1]))
	r := request(t, pin)
	r.Platforms = []plan.Platform{arm64}
	b, err := base.Fetch(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, []plan.Platform{arm64}, b.Platforms())
	require.NoError(t, validate.Image(b.Images[arm64]))
}

func TestFetch_SendsCredentialsOfTheHostThatIsAsked(t *testing.T) {
	t.Parallel()
	content := newSmall(t, nil)
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != "s3cret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		content.shelf.ServeHTTP(w, r)
	}))
	r := request(t, pinOf(t, "gcr.io", content.manifest.Digest.String()))
	r.Mirrors = map[string]string{"gcr.io": s.host}
	r.Keychain = keychain{s.host: {Username: "u", Password: "s3cret"}}
	_, err := base.Fetch(t.Context(), r)
	require.NoError(t, err)
}

func TestFetch_TriesAgainWhatMayPass(t *testing.T) {
	t.Parallel()
	content := newSmall(t, nil)
	var mu sync.Mutex
	asked := map[string]int{}
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked[r.URL.Path]++
		switch n := asked[r.URL.Path]; {
		case r.URL.Path == "/v2/" || n == 3:
			content.shelf.ServeHTTP(w, r)
		case n == 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case n == 2:
			w.Header().Set("Content-Length", "1000000")
			_, _ = w.Write([]byte("{"))
		}
	}))
	_, err := base.Fetch(t.Context(), request(t, pinOf(t, s.host, content.manifest.Digest.String())))
	require.NoError(t, err)
}

func TestFetch_DoesNotCutASlowLayer(t *testing.T) {
	t.Parallel()
	content := newSmall(t, nil)
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data := content.shelf[content.layer.Digest.String()]
		if !strings.HasSuffix(r.URL.Path, content.layer.Digest.Hex) {
			content.shelf.ServeHTTP(w, r)
			return
		}
		for part := range 10 {
			_, _ = w.Write(data[part*len(data)/10 : (part+1)*len(data)/10])
			w.(http.Flusher).Flush()
			time.Sleep(120 * time.Millisecond)
		}
	}))
	r := request(t, pinOf(t, s.host, content.manifest.Digest.String()))
	r.Stall = time.Second // less than the layer takes, and much more than a pause
	_, err := base.Fetch(t.Context(), r)
	require.NoError(t, err)
}

func TestFetch_StopsWhenCancelled(t *testing.T) {
	t.Parallel()
	for name, part := range map[string]string{"before the first answer": "/v2/", "in a manifest": "/manifests/", "in a layer": "/blobs/"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content := newSmall(t, nil)
			ctx, cancel := context.WithCancel(t.Context())
			s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(strings.Replace(r.URL.Path, "/v2/"+repository, "", 1), part) {
					cancel()
					<-r.Context().Done()
				}
				content.shelf.ServeHTTP(w, r)
			}))
			r := request(t, pinOf(t, s.host, content.manifest.Digest.String()))
			r.Wait, r.Stall, r.Pause = time.Minute, time.Minute, time.Minute
			began := time.Now()
			_, err := base.Fetch(ctx, r)
			require.ErrorIs(t, err, context.Canceled)
			require.False(t, base.IsUnreachable(err))
			require.Less(t, time.Since(began), r.Wait)
		})
	}
}

func TestFetch_RefusesRequestsThatCannotWork(t *testing.T) {
	t.Parallel()
	content := newSmall(t, nil)
	s := serve(t, content.shelf)
	pin := pinOf(t, s.host, content.manifest.Digest.String())
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for name, tc := range map[string]struct {
		change func(r *base.Request)
		kind   fault.Kind
		says   string
	}{
		"mirror with a scheme": {
			func(r *base.Request) { r.Mirrors = map[string]string{s.host: "http://127.0.0.1:5000"} }, fault.Usage, "is not a host",
		},
		"mirror without a host": {func(r *base.Request) { r.Mirrors = map[string]string{s.host: ""} }, fault.Usage, "is not a host"},
		"no cache":              {func(r *base.Request) { r.Cache = "" }, fault.Bug, "no cache folder"},
		"cache is a file":       {func(r *base.Request) { r.Cache = file }, fault.Usage, "keeping a base in " + file},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := request(t, pin)
			tc.change(&r)
			_, err := base.Fetch(t.Context(), r)
			require.ErrorContains(t, err, tc.says)
			require.Equal(t, tc.kind, fault.KindOf(err))
		})
	}
}

// keychain has the credentials of hosts.
type keychain map[string]authn.AuthConfig

func (k keychain) Resolve(r authn.Resource) (authn.Authenticator, error) {
	if c, ok := k[r.RegistryStr()]; ok {
		return authn.FromConfig(c), nil
	}
	return authn.Anonymous, nil
}

func layersOf(t *testing.T, image v1.Image) [][]byte {
	t.Helper()
	layers, err := image.Layers()
	require.NoError(t, err)
	var all [][]byte
	for _, l := range layers {
		r, err := l.Compressed()
		require.NoError(t, err)
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		all = append(all, data)
	}
	return all
}

// cached lists every file of a cache, also those that should not be there.
func cached(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	}))
	return files
}
