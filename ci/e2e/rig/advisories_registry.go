package rig

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"testing"

	"github.com/stretchr/testify/require"
)

// Types of the parts of the scanner's database.
const (
	databaseConfig = "application/vnd.aquasec.trivy.config.v1+json"
	databaseLayer  = "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip"
	ociManifest    = "application/vnd.oci.image.manifest.v1+json"
)

// Artifact is a database as a registry has it.
type Artifact struct {
	// Digest is the manifest's.
	Digest string
	// Layer is the digest of the database.
	Layer    string
	manifest []byte
	blobs    map[string][]byte
}

// NewArtifact puts a layer of a media type, "" being the right one, into an artifact.
func NewArtifact(t *testing.T, layer []byte, media string) *Artifact {
	t.Helper()
	if media == "" {
		media = databaseLayer
	}
	a := &Artifact{blobs: map[string][]byte{}}
	add := func(media string, data []byte) map[string]any {
		digest := digestOf(data)
		a.blobs[digest] = data
		return map[string]any{"mediaType": media, "digest": digest, "size": len(data)}
	}
	config := add(databaseConfig, []byte("{}"))
	described := add(media, layer)
	described["annotations"] = map[string]string{"org.opencontainers.image.title": "db.tar.gz"}
	a.manifest = encode(t, map[string]any{
		"schemaVersion": 2, "mediaType": ociManifest, "config": config, "layers": []any{described},
	})
	a.Digest, a.Layer = digestOf(a.manifest), digestOf(layer)
	return a
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Push puts the artifact into a repository of a real registry, under the tag of the
// database's schema.
func (a *Artifact) Push(t *testing.T, address, repository string) {
	t.Helper()
	base := "http://" + address + "/v2/" + repository
	send := func(method, to, media string, body []byte) (location *url.URL) {
		req, err := http.NewRequestWithContext(t.Context(), method, to, bytes.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", media)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Less(t, resp.StatusCode, 300, "%s %s: %s", method, to, text)
		// Only a place to upload to has one.
		location, _ = resp.Location()
		return location
	}
	for digest, data := range a.blobs {
		where := send(http.MethodPost, base+"/blobs/uploads/", "", nil)
		query := where.Query()
		query.Set("digest", digest)
		where.RawQuery = query.Encode()
		send(http.MethodPut, where.String(), "application/octet-stream", data)
	}
	send(http.MethodPut, base+"/manifests/2", ociManifest, a.manifest)
}

// Trouble is a way in which a repository is of no use.
type Trouble string

// The ways. Each is one registry's.
const (
	NoTrouble    Trouble = "none"
	TooMany      Trouble = "429"
	Unauthorized Trouble = "401"
	Denied       Trouble = "403"
	Missing      Trouble = "404"
	Failing      Trouble = "503"
	Refused      Trouble = "refused"
	SelfSigned   Trouble = "self-signed"
	Hanging      Trouble = "hanging"
	Stalling     Trouble = "stalling"
	BrokenOff    Trouble = "broken off"
	Short        Trouble = "short"
	Changed      Trouble = "changed"
	Page         Trouble = "page"
)

// Serve answers as a registry in trouble would that has the artifact in every
// repository, and returns its host and port. It counts the requests for blobs.
func (a *Artifact) Serve(t *testing.T, trouble Trouble, blobs func()) string {
	t.Helper()
	if trouble == Refused {
		return FreePort(t)
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.answer(w, r, trouble, blobs) })
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if trouble == SelfSigned {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.Listener.Addr().String()
}

func (a *Artifact) answer(w http.ResponseWriter, r *http.Request, trouble Trouble, blobs func()) {
	var code int
	if _, err := fmt.Sscanf(string(trouble), "%d", &code); err == nil {
		if code == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		}
		http.Error(w, `{"errors":[{"code":"DENIED","message":"denied"}]}`, code)
		return
	}
	dir, id := path.Split(r.URL.Path)
	data, isBlob := a.blobs[id], path.Base(dir) == "blobs"
	switch {
	case trouble == Hanging:
		<-r.Context().Done()
		return
	case r.URL.Path == "/v2/":
		return
	case trouble == Page:
		_, _ = io.WriteString(w, "<html>log in</html>")
		return
	case !isBlob:
		w.Header().Set("Content-Type", ociManifest)
		_, _ = w.Write(a.manifest)
		return
	}
	if blobs != nil {
		blobs()
	}
	half := data[:len(data)/2]
	switch trouble {
	case Changed:
		data = append(bytes.Clone(half), bytes.Repeat([]byte{'x'}, len(data)-len(half))...)
	case BrokenOff:
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		data = half
	case Short:
		data = half
	case Stalling:
		_, _ = w.Write(half)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return
	}
	_, _ = w.Write(data)
}

// Manifest is an artifact of a manifest alone.
func Manifest(text string) *Artifact {
	return &Artifact{Digest: digestOf([]byte(text)), manifest: []byte(text)}
}
