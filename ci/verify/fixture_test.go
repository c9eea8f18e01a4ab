package verify_test

import (
	"bytes"
	"context"
	"crypto"
	"encoding/json"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/attest/provenance"
	"example.com/slipway/ci/attest/sbom"
	"example.com/slipway/ci/attest/sign"
	"example.com/slipway/ci/attest/sign/signtest"
	"example.com/slipway/ci/base"
	"example.com/slipway/ci/config"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/image"
	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/layer"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/receipt"
	ours "example.com/slipway/ci/registry"
	"example.com/slipway/ci/step"
	"example.com/slipway/ci/verify"
)

// program is a Go program of two modules, built once for all tests.
var program = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "tide-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "tide"))); err != nil {
		return nil, err
	}
	for _, module := range []string{dir, filepath.Join(dir, "moon")} {
		if err := os.Rename(filepath.Join(module, "go.mod.txt"), filepath.Join(module, "go.mod")); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", "tide.out", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOPROXY=off", "GOFLAGS=-mod=mod", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, &os.PathError{Op: "building", Path: string(out), Err: err}
	}
	return os.ReadFile(filepath.Join(dir, "tide.out"))
})

// newPlan is what tide is built from, for two platforms that run the same program.
func newPlan(t *testing.T) plan.Image {
	t.Helper()
	platforms := []plan.Platform{{OS: "linux", Arch: "amd64"}, {OS: "linux", Arch: "amd64", Variant: "v3"}}
	found, err := base.Builtin(platforms)
	require.NoError(t, err)
	return plan.Image{
		Name: "tide", Title: "tide", Source: "https://example.com/team/tide", Module: "example.com/tide", Version: "v1.2.3",
		Commit: strings.Repeat("c0", 20), Epoch: 1700000000, Toolchain: runtime.Version(),
		Builder: plan.Pin{Name: "golang", Tag: strings.TrimPrefix(runtime.Version(), "go"), Digest: "sha256:" + strings.Repeat("b", 64)},
		Base:    plan.Pin{Name: "builtin", Digest: found.Digest},
		Mains:   []plan.Main{{Dir: ".", Package: "example.com/tide", Name: "tide"}},
		Build:   plan.Build{Strip: "full"}, Config: plan.Config{User: "65532:65532"}, Platforms: platforms,
		Sources: map[string]string{"linux/amd64": "sha256:" + strings.Repeat("1", 64), "linux/amd64/v3": "sha256:" + strings.Repeat("2", 64)},
	}
}

// assembled is the image of a plan.
func assembled(t *testing.T, p plan.Image, content []byte) *image.Index {
	t.Helper()
	found, err := base.Builtin(p.Platforms)
	require.NoError(t, err)
	own, err := layer.New([]layer.File{
		{Path: "app", Mode: fs.ModeDir | 0o755}, {Path: p.Mains[0].Path(), Mode: 0o755, Data: content},
	}, p.Time())
	require.NoError(t, err)
	var parts []image.Part
	for _, platform := range p.Platforms {
		parts = append(parts, image.Part{Platform: platform, Base: found.Images[platform], Layers: []image.Layer{{Layer: own, CreatedBy: "slipway: example.com/tide"}}})
	}
	idx, err := image.Assemble(p, parts)
	require.NoError(t, err)
	return idx
}

// world is a registry with an image and what is said of it, as a test leaves it.
type world struct {
	plan  plan.Image
	index *image.Index
	key   *sign.Key
	// statements are attached in their order, each signed by the key.
	statements []*attest.Statement

	host string
	mu   sync.Mutex
	// answers replace the registry's own, by the end of the path.
	answers map[string]http.HandlerFunc
}

// serve starts the registry, pushes the image as team/tide:v1 and attaches the statements.
func (w *world) serve(t *testing.T) {
	t.Helper()
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true))
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		defer w.mu.Unlock()
		for end, answer := range w.answers {
			if answer != nil && strings.HasSuffix(r.URL.Path, end) && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
				answer(rw, r)
				return
			}
		}
		inner.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	w.host = strings.TrimPrefix(server.URL, "http://")
	ref, err := name.ParseReference(w.host + "/team/tide:v1")
	require.NoError(t, err)
	require.NoError(t, remote.WriteIndex(ref, w.index.ImageIndex))
	for _, s := range w.statements {
		w.attach(t, w.key, s)
	}
}

// answer puts another answer in the place of the registry's.
func (w *world) answer(end string, h http.HandlerFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.answers == nil {
		w.answers = map[string]http.HandlerFunc{}
	}
	w.answers[end] = h
}

// attach signs a statement and attaches it to what it is about.
func (w *world) attach(t *testing.T, key *sign.Key, s *attest.Statement) {
	t.Helper()
	to := "sha256:" + s.Subject[0].Digest["sha256"]
	d, err := key.Sign(t.Context(), s, to)
	require.NoError(t, err)
	w.put(t, d)
}

// put attaches a document to its subject.
func (w *world) put(t *testing.T, d attest.Document) {
	t.Helper()
	repo, err := name.NewRepository(w.host + "/team/tide")
	require.NoError(t, err)
	empty := static.NewLayer([]byte("{}"), "application/vnd.oci.empty.v1+json")
	content := static.NewLayer(d.Content, types.MediaType(d.MediaType))
	var descriptors []v1.Descriptor
	for _, l := range []v1.Layer{empty, content} {
		require.NoError(t, remote.WriteLayer(repo, l))
		digest, err := l.Digest()
		require.NoError(t, err)
		size, err := l.Size()
		require.NoError(t, err)
		media, err := l.MediaType()
		require.NoError(t, err)
		descriptors = append(descriptors, v1.Descriptor{MediaType: media, Digest: digest, Size: size})
	}
	subject, err := remote.Head(repo.Digest(d.Subject))
	require.NoError(t, err)
	raw, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": types.OCIManifestSchema1, "artifactType": d.MediaType,
		"config": descriptors[0], "layers": descriptors[1:], "subject": v1.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size},
	})
	require.NoError(t, err)
	digest, _, err := v1.SHA256(bytes.NewReader(raw))
	require.NoError(t, err)
	require.NoError(t, remote.Put(repo.Digest(digest.String()), artifact(raw)))
}

// artifact is a manifest as it is pushed.
type artifact []byte

func (a artifact) RawManifest() ([]byte, error)        { return a, nil }
func (a artifact) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

// noon is when the certificates of the embedded base are valid.
var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// inspected is what inspection says of an image in memory.
func inspected(t *testing.T, idx *image.Index) *inspect.Report {
	t.Helper()
	source, err := inspect.OfIndex(idx.ImageIndex, inspect.Options{Now: noon})
	require.NoError(t, err)
	r, err := source.Inspect(t.Context())
	require.NoError(t, err)
	return r
}

const (
	builder  = "https://example.com/team/tide/.github/workflows/release.yml@refs/tags/v1.2.3"
	remoteOf = "git@example.com:team/tide.git"
)

// said is what publish says of an image: a signature, how it was built, what is in it,
// and what a scanner found.
func said(t *testing.T, p plan.Image, idx *image.Index) []*attest.Statement {
	t.Helper()
	seen := inspected(t, idx)
	made := receipt.Image{Name: p.Name, Digest: idx.Digest.String(), Plan: p, Inspection: seen}
	r := &receipt.Receipt{Slipway: "v1.0.0", Images: []receipt.Image{made}, Run: receipt.Run{Engine: "local", Started: noon, Ended: noon}}
	signature, err := sign.Image(made.Digest)
	require.NoError(t, err)
	origin, err := provenance.New(r, made, remoteOf, provenance.Runner{ID: builder})
	require.NoError(t, err)
	all := []*attest.Statement{signature, origin}
	for _, img := range seen.Images {
		subject := sbom.Subject{Plan: p, Image: img, Slipway: "v1.0.0", Licence: func(string, string) string { return "MIT" }}
		for _, form := range []func(sbom.Subject) (*attest.Statement, error){sbom.SPDX, sbom.CycloneDX} {
			s, err := form(subject)
			require.NoError(t, err)
			all = append(all, s)
		}
		scan, err := attest.New(attest.Scan, map[string]any{"metadata": map[string]any{"scanFinishedOn": noon}}, img.Digest)
		require.NoError(t, err)
		all = append(all, scan)
	}
	return all
}

// published is a registry with tide, and all that publish says of it.
func published(t *testing.T) *world {
	t.Helper()
	w := &world{plan: newPlan(t), key: signtest.Key(t)}
	content, err := program()
	require.NoError(t, err)
	w.index = assembled(t, w.plan, content)
	w.statements = said(t, w.plan, w.index)
	return w
}

// options expect tide as it was published.
func (w *world) options(t *testing.T) verify.Options {
	t.Helper()
	repo, err := ours.Open(w.host+"/team/tide", ours.Options{Clock: &clock{now: noon}})
	require.NoError(t, err)
	return verify.Options{
		Verifier: sign.Trust{Keys: []crypto.PublicKey{w.key.Public()}}, Repository: repo, Reporter: step.Silent{}, Now: noon,
		Trust: config.Trust{Builders: []string{builder}, Sources: []string{"https://example.com/team/tide"}, Commit: w.plan.Commit},
	}
}

func (w *world) verify(t *testing.T, o verify.Options) (*verify.Report, error) {
	t.Helper()
	ref, err := verify.Parse(w.host + "/team/tide:v1")
	require.NoError(t, err)
	return verify.Verify(t.Context(), ref, o)
}

// clock goes on only where somebody waits.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return ctx.Err()
}

func requireRegistry(t *testing.T, err error) {
	t.Helper()
	require.Equal(t, fault.Registry, fault.KindOf(err), "%v", err)
}
