package inspect_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/plan"
)

// The same image says the same of itself wherever it lies.
func TestOpen_ReadsTheSameFromEverywhere(t *testing.T) {
	t.Parallel()
	s := clean(t)
	idx := s.index(t)
	want := s.report(t)
	digest, err := idx.Digest()
	require.NoError(t, err)
	require.Equal(t, want.Digest, digest.String())
	folder := inLayout(t, idx)
	host := serve(t, registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	ref, err := name.ParseReference(host + "/team/server:v1")
	require.NoError(t, err)
	require.NoError(t, remote.WriteIndex(ref, idx))
	for kind, place := range map[inspect.Kind]string{
		inspect.Layout:     folder,
		inspect.OCIArchive: archived(t, folder),
		inspect.Registry:   ref.String(),
	} {
		got, err := open(t, place, s.options)
		require.NoError(t, err)
		require.Equal(t, kind, got.Kind)
		require.Equal(t, place, got.Image)
		require.Equal(t, want.Digest, got.Digest)
		require.Equal(t, want.Images, got.Images)
	}
	got, err := open(t, host+"/team/server@"+want.Digest, s.options)
	require.NoError(t, err)
	require.Equal(t, want.Images, got.Images)
}

func TestInspect_TellsLayersAndConfiguration(t *testing.T) {
	t.Parallel()
	s := clean(t)
	img := s.report(t).Images[0]
	m, err := s.image(t).Manifest()
	require.NoError(t, err)
	require.Equal(t, plan.Platform{OS: "linux", Arch: "amd64"}, img.Platform)
	require.Equal(t, m.Config.Digest.String(), img.ID)
	total := m.Config.Size
	for i, l := range img.Layers {
		require.Equal(t, m.Layers[i].Digest.String(), l.Digest)
		require.Equal(t, m.Layers[i].Size, l.Compressed)
		require.Equal(t, string(types.OCILayer), l.MediaType)
		require.Greater(t, l.Unpacked, l.Compressed)
		total += l.Compressed
	}
	require.Equal(t, total, img.Compressed)
	require.Equal(t, []string{"base", "program"}, []string{img.Layers[0].CreatedBy, img.Layers[1].CreatedBy})
	require.Equal(t, inspect.Config{
		User: "65532:65532", Entrypoint: []string{"/app/server"}, Workdir: "/home/nonroot",
		Env: []string{"PATH", "TOKEN"}, Ports: []string{"8080/tcp"}, Labels: map[string]string{"team": "harbour"},
	}, img.Config)
	text, err := json.Marshal(img)
	require.NoError(t, err)
	require.NotContains(t, string(text), "hidden", "values of the environment are not told")
}

// A docker-archive has neither manifest nor compressed digests.
func TestOpen_ReadsADockerArchive(t *testing.T) {
	t.Parallel()
	s := clean(t)
	img := s.image(t)
	place := filepath.Join(t.TempDir(), "image.tar")
	tag, err := name.NewTag("localhost/server:v1")
	require.NoError(t, err)
	require.NoError(t, tarball.WriteToFile(place, tag, img))
	got, err := open(t, place, s.options)
	require.NoError(t, err)
	want := s.report(t).Images[0]
	require.Equal(t, inspect.DockerArchive, got.Kind)
	require.Empty(t, got.Digest)
	require.Equal(t, want.ID, got.Images[0].ID)
	require.Equal(t, want.Layers[1].Digest, got.Images[0].Layers[1].Digest)
	require.Equal(t, want.Compressed, got.Images[0].Compressed)
	require.Empty(t, inspect.Judge(got, s.policy))
}

// As docker save has long written it: layers not compressed, one a link to another's
// folder. What a registry would keep is not known then, unless it fits anyway.
func TestOpen_ReadsAnArchiveOfUncompressedLayers(t *testing.T) {
	t.Parallel()
	base := tarOf(t, file("app/server", 0o755, string(program(62, ""))))
	config := configFor(t, base, base)
	place := filepath.Join(t.TempDir(), "image.tar")
	require.NoError(t, os.WriteFile(place, tarOf(t,
		file("aaa/layer.tar", 0o644, string(base)), link("bbb/layer.tar", "../aaa/layer.tar"),
		file("c.json", 0o644, config),
		file("manifest.json", 0o644, `[{"Config":"c.json","RepoTags":null,"Layers":["aaa/layer.tar","bbb/layer.tar"]}]`),
	), 0o600))
	got, err := open(t, place, inspect.Options{Now: noon})
	require.NoError(t, err)
	require.True(t, got.Images[0].Inflated)
	require.Equal(t, int64(2*len(base)), got.Images[0].Unpacked)
	var b strings.Builder
	require.NoError(t, inspect.NewJudgement(got, nil, inspect.Policy{}).Text(&b))
	require.Contains(t, b.String(), "a registry would keep less")
	require.NotContains(t, ids(inspect.Judge(got, inspect.Policy{})), "size-unjudged")
	require.Contains(t, ids(inspect.Judge(got, inspect.Policy{Budget: 1000})), "size-unjudged")
}

func TestOpen_FollowsAnIndexInAnIndexWithoutAttestations(t *testing.T) {
	t.Parallel()
	s := clean(t)
	arm := clean(t)
	arm.platform.Architecture, arm.listed = "arm64", &v1.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"}
	inner := indexOf(
		mutate.IndexAddendum{Add: s.image(t), Descriptor: v1.Descriptor{Platform: s.listed}},
		mutate.IndexAddendum{Add: arm.image(t), Descriptor: v1.Descriptor{Platform: arm.listed}},
		mutate.IndexAddendum{Add: empty.Image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}}},
	)
	place := inLayout(t, indexOf(mutate.IndexAddendum{Add: inner}))
	got, err := open(t, place, s.options)
	require.NoError(t, err)
	require.Len(t, got.Images, 2)
	require.Equal(t, "linux/arm64", got.Images[1].Platform.String())
	// One platform alone, and one that there is not.
	s.options.Platforms = []plan.Platform{{OS: "linux", Arch: "arm64"}}
	got, err = open(t, place, s.options)
	require.NoError(t, err)
	require.Len(t, got.Images, 1)
	s.options.Platforms = []plan.Platform{{OS: "linux", Arch: "s390x"}}
	_, err = open(t, place, s.options)
	requireFault(t, err, fault.Usage, "no image for linux/s390x", "it has linux/amd64, linux/arm64")
}

func TestOpen_ReadsZstdLayers(t *testing.T) {
	t.Parallel()
	zip, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	s := clean(t)
	plain := tarOf(t, file("bin/sh", 0o755, "x"))
	packed := static.NewLayer(zip.EncodeAll(plain, nil), types.OCILayerZStd)
	s.above = append(s.above, unpacking{packed, static.NewLayer(plain, types.OCIUncompressedLayer)})
	r := s.report(t)
	require.Equal(t, int64(len(plain)), r.Images[0].Layers[2].Unpacked)
	require.Equal(t, []string{"shell"}, ids(inspect.Judge(r, s.policy)))
}

// unpacking is a layer whose diff ID is that of another.
type unpacking struct {
	v1.Layer
	plain v1.Layer
}

func (u unpacking) DiffID() (v1.Hash, error) { return u.plain.Digest() }

func TestOpen_SaysWhatIsNoImage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		place := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(place, []byte(text), 0o600))
		return place
	}
	zipped := write("zipped.tar", "\x1f\x8b\x08\x00")
	for _, c := range []struct {
		ref  string
		kind fault.Kind
		says string
	}{
		{dir, fault.Usage, "is no OCI layout"},
		{filepath.Join(dir, "absent"), fault.Usage, "there is no image at"},
		{"./absent", fault.Usage, "there is no image at"},
		{"absent.tar", fault.Usage, "there is no image at"},
		{"No Such Name", fault.Usage, "neither a file nor the name of an image"},
		{zipped, fault.Usage, "compressed as a whole"},
		{write("empty", ""), fault.Unjudged, "damaged: it is empty"},
		{write("text", strings.Repeat("text ", 999)), fault.Unjudged, "the archive is damaged"},
		{write("other.tar", string(tarOf(t, file("a", 0o644, "a")))), fault.Usage, "no archive of an image"},
		{write("none.tar", string(tarOf(t, file("manifest.json", 0o644, "[]")))), fault.Unjudged, "it holds no image"},
		{write("cut.tar", string(tarOf(t, file("manifest.json", 0o644, "[]"), file("layer", 0o644, strings.Repeat("x", 2000)))[:1800])), fault.Unjudged, "the archive is damaged"},
		{write("gone.tar", string(tarOf(t, file("manifest.json", 0o644, `[{"Config":"a"}]`)))), fault.Unjudged, `no file "a"`},
		{os.DevNull, fault.Usage, "neither a folder nor a file"},
	} {
		_, err := open(t, c.ref, inspect.Options{Dir: dir})
		requireFault(t, err, c.kind, c.says)
	}
}

func TestOpen_SaysWhatARegistryDid(t *testing.T) {
	t.Parallel()
	answers := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v2/" {
				http.Error(w, "s3cret", status)
			}
		}
	}
	hanging := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	for _, c := range []struct {
		host, says string
	}{
		{serve(t, answers(http.StatusNotFound)), "HTTP 404"},
		{serve(t, answers(http.StatusForbidden)), "HTTP 403, access denied"},
		{serve(t, answers(http.StatusTooManyRequests)), "HTTP 429"},
		{serve(t, answers(http.StatusInternalServerError)), "HTTP 500"},
		{serve(t, http.HandlerFunc(hanging)), "sent nothing for 200ms"},
		{closed.Addr().String(), "refused"},
	} {
		var o inspect.Options
		if strings.HasPrefix(c.says, "sent nothing") {
			o.Stall = 200 * time.Millisecond
		}
		_, err := open(t, c.host+"/a/b:c", o)
		requireFault(t, err, fault.Registry, c.host, c.says)
		require.NotContains(t, err.Error(), "s3cret")
	}
}

// brokenKeychain is a credential helper that fails and says too much.
type brokenKeychain struct{}

func (brokenKeychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	return nil, errors.New("password s3cret")
}

func TestOpen_RepeatsNoCredentials(t *testing.T) {
	t.Parallel()
	host := serve(t, http.NotFoundHandler())
	_, err := open(t, host+"/a/b:c", inspect.Options{Keychain: brokenKeychain{}})
	requireFault(t, err, fault.Registry, "credentials")
	require.NotContains(t, err.Error(), "s3cret")
}

func TestInspect_EndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	s := clean(t)
	source, err := inspect.OfIndex(s.index(t), s.options)
	require.NoError(t, err)
	stop := errors.New("stopped by hand")
	cancel(stop)
	_, err = source.Inspect(ctx)
	require.ErrorIs(t, err, stop)
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// archived packs a layout as an archive.
func archived(t *testing.T, folder string) string {
	t.Helper()
	var entries []entry
	require.NoError(t, filepath.WalkDir(folder, func(place string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(folder, place)
		require.NoError(t, err)
		data, err := os.ReadFile(place)
		entries = append(entries, file(filepath.ToSlash(rel), 0o644, string(data)))
		return err
	}))
	place := filepath.Join(t.TempDir(), "image.tar")
	require.NoError(t, os.WriteFile(place, tarOf(t, entries...), 0o600))
	return place
}

// configFor is a configuration for layers.
func configFor(t *testing.T, layers ...[]byte) string {
	t.Helper()
	cfg := v1.ConfigFile{OS: "linux", Architecture: "amd64", Config: v1.Config{User: "1", Entrypoint: []string{"/app/server"}}}
	cfg.RootFS.Type = "layers"
	for _, l := range layers {
		digest, err := static.NewLayer(l, types.OCIUncompressedLayer).Digest()
		require.NoError(t, err)
		cfg.RootFS.DiffIDs = append(cfg.RootFS.DiffIDs, digest)
	}
	text, err := json.Marshal(cfg)
	require.NoError(t, err)
	return string(text)
}

func requireFault(t *testing.T, err error, kind fault.Kind, says ...string) {
	t.Helper()
	told, ok := errors.AsType[*fault.Error](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, kind, told.Kind, "%v", err)
	require.NotEmpty(t, told.Fix)
	for _, s := range says {
		require.Contains(t, told.Error(), s)
	}
}
