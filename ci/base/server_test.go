package base_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/base"
	"example.com/slipway/ci/plan"
)

const repository = "distroless/static"

// server is a registry on loopback that counts what it is asked.
type server struct {
	host     string
	requests atomic.Int64
	layers   atomic.Int64 // requests for blobs
}

// serve starts a server on a handler that may stand in a registry's way.
func serve(t *testing.T, handler http.Handler) *server {
	t.Helper()
	s := &server{}
	h := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		if strings.Contains(r.URL.Path, "/blobs/") {
			s.layers.Add(1)
		}
		handler.ServeHTTP(w, r)
	}))
	h.Config.ErrorLog = log.New(io.Discard, "", 0)
	h.Start()
	t.Cleanup(h.Close)
	s.host = strings.TrimPrefix(h.URL, "http://")
	return s
}

// filled starts go-containerregistry's registry with an index or image in it.
func filled(t *testing.T, content remote.Taggable) (*server, plan.Pin) {
	t.Helper()
	s := serve(t, registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	ref, err := name.ParseReference(s.host + "/" + repository + ":nonroot")
	require.NoError(t, err)
	switch c := content.(type) {
	case v1.ImageIndex:
		require.NoError(t, remote.WriteIndex(ref, c))
	case v1.Image:
		require.NoError(t, remote.Write(ref, c))
	}
	s.requests.Store(0)
	s.layers.Store(0)
	return s, pinOf(t, s.host, digestOf(t, content))
}

func pinOf(t *testing.T, host, digest string) plan.Pin {
	t.Helper()
	pin, err := plan.ParsePin(host + "/" + repository + ":nonroot@" + digest)
	require.NoError(t, err)
	return pin
}

func digestOf(t *testing.T, content remote.Taggable) string {
	t.Helper()
	raw, err := content.RawManifest()
	require.NoError(t, err)
	return sum(raw)
}

func sum(data []byte) string {
	h := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(h[:])
}

// request asks with short times and without the proxy of this machine.
func request(t *testing.T, pin plan.Pin) base.Request {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return base.Request{
		Pin: pin, Cache: t.TempDir(), Transport: transport,
		Wait: 30 * time.Second, Stall: 30 * time.Second, Pause: time.Millisecond,
	}
}

// dialing is a transport that reaches one address under every host name.
func dialing(t *testing.T, addr string) *http.Transport {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// imageFor makes an image of two layers with a platform in its configuration.
func imageFor(t *testing.T, p v1.Platform) v1.Image {
	t.Helper()
	image, err := random.Image(512, 2)
	require.NoError(t, err)
	config, err := image.ConfigFile()
	require.NoError(t, err)
	config.OS, config.Architecture, config.Variant = p.OS, p.Architecture, p.Variant
	image, err = mutate.ConfigFile(image, config)
	require.NoError(t, err)
	return image
}

// indexFor makes an index as Docker's or OCI's tools write it, with an attestation
// and a child for another operating system in it.
func indexFor(t *testing.T, media types.MediaType, platforms ...v1.Platform) v1.ImageIndex {
	t.Helper()
	index := mutate.IndexMediaType(empty.Index, media)
	for _, p := range append(platforms, v1.Platform{OS: "windows", Architecture: "amd64"}) {
		image := imageFor(t, p)
		if media == types.OCIImageIndex {
			image = mutate.ConfigMediaType(mutate.MediaType(image, types.OCIManifestSchema1), types.OCIConfigJSON)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &p}})
	}
	attests := func(p v1.Platform, annotations map[string]string) {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: imageFor(t, p), Descriptor: v1.Descriptor{
			Platform: &p, Annotations: annotations,
		}})
	}
	attests(v1.Platform{OS: "unknown", Architecture: "unknown"}, nil)
	attests(v1.Platform{OS: "linux", Architecture: "s390x"}, map[string]string{"vnd.docker.reference.type": "attestation-manifest"})
	return index
}

// shelf is a registry that serves any bytes as what a test says they are.
type shelf map[string][]byte

// add returns the descriptor of some bytes.
func (s shelf) add(media types.MediaType, data []byte) v1.Descriptor {
	digest := sum(data)
	s[digest] = data
	return v1.Descriptor{MediaType: media, Size: int64(len(data)), Digest: v1.Hash{Algorithm: "sha256", Hex: digest[len("sha256:"):]}}
}

// json returns the descriptor of a document.
func (s shelf) json(t *testing.T, media types.MediaType, document any) v1.Descriptor {
	t.Helper()
	data, err := json.Marshal(document)
	require.NoError(t, err)
	return s.add(media, data)
}

func (s shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v2/" {
		return
	}
	data, ok := s[path.Base(r.URL.Path)]
	if !ok {
		http.Error(w, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"s3cret"}]}`, http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(data)))
	_, _ = w.Write(data)
}

// small is an image on a shelf whose parts a test may change.
type small struct {
	shelf    shelf
	layer    v1.Descriptor
	manifest v1.Descriptor
}

func newSmall(t *testing.T, change func(manifest, config map[string]any)) small {
	t.Helper()
	s := small{shelf: shelf{}}
	content := []byte(strings.Repeat("layer ", 1000))
	s.layer = s.shelf.add(types.OCILayer, content)
	config := map[string]any{
		"os": "linux", "architecture": "amd64",
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{sum(content)}},
	}
	manifest := map[string]any{"schemaVersion": 2, "mediaType": types.OCIManifestSchema1, "layers": []any{s.layer}}
	if change != nil {
		change(manifest, config)
	}
	if _, ok := manifest["config"]; !ok {
		manifest["config"] = s.shelf.json(t, types.OCIConfigJSON, config)
	}
	s.manifest = s.shelf.json(t, types.OCIManifestSchema1, manifest)
	return s
}
