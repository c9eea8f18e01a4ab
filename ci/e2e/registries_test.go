package e2e_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	noise "github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

// registryKind is a kind of registry that images are published to.
type registryKind struct {
	name  string
	start func(t *testing.T) *rig.RegistryServer
	// between comes before each request, or is nil.
	between func() rig.Around
	// referrers says that it has the referrers API.
	referrers bool
	// immutable says that no tag moves.
	immutable bool
}

// registryKinds are all of them.
func registryKinds() []registryKind {
	with := func(o rig.RegistryOptions) func(*testing.T) *rig.RegistryServer {
		return func(t *testing.T) *rig.RegistryServer { return rig.NewRegistry(t, o) }
	}
	inProcess := func(referrers bool) func(*testing.T) *rig.RegistryServer {
		return func(t *testing.T) *rig.RegistryServer { return rig.NewInProcess(t, referrers) }
	}
	return []registryKind{
		{name: "docker-registry", start: with(rig.RegistryOptions{})},
		{name: "docker-registry, htpasswd", start: with(rig.RegistryOptions{Auth: rig.Htpasswd})},
		{name: "docker-registry, tokens", start: with(rig.RegistryOptions{Auth: rig.Token})},
		{name: "docker-registry, htpasswd, TLS", start: with(rig.RegistryOptions{Auth: rig.Htpasswd, TLS: true})},
		{name: "distribution", start: with(rig.RegistryOptions{Program: "distribution"})},
		{name: "distribution, tokens", start: with(rig.RegistryOptions{Program: "distribution", Auth: rig.Token})},
		{name: "in-process", start: inProcess(false)},
		{name: "in-process, referrers", start: inProcess(true), referrers: true},
		// Without the API the tags that stand in for it would have to move.
		{name: "in-process, referrers, immutable tags", start: inProcess(true), between: rig.Immutable, referrers: true, immutable: true},
	}
}

// kindOf is the kind of that name.
func kindOf(t *testing.T, name string) registryKind {
	t.Helper()
	kinds := registryKinds()
	at := slices.IndexFunc(kinds, func(k registryKind) bool { return k.name == name })
	require.GreaterOrEqual(t, at, 0, name)
	return kinds[at]
}

// harborage is a registry of one kind while a test runs.
type harborage struct {
	registryKind
	*rig.RegistryServer
	// env lets a program push.
	env []string
}

func (k registryKind) open(t *testing.T) *harborage {
	t.Helper()
	h := &harborage{registryKind: k, RegistryServer: k.start(t)}
	if k.between != nil {
		h.Proxy.Between(k.between())
	}
	h.env = h.Environ(t, rig.Writer)
	return h
}

// repository is one where all that have a password have their rights.
func (h *harborage) repository(name string) string {
	return h.Address + "/" + rig.Namespace + "/" + name
}

// options let go-containerregistry act as somebody.
func (h *harborage) options(t *testing.T, who rig.Login) []remote.Option {
	t.Helper()
	auth := authn.Anonymous
	if h.Login {
		auth = &authn.Basic{Username: who.User, Password: who.Password}
	}
	way := remote.DefaultTransport.(*http.Transport).Clone()
	if h.Certificate != "" {
		way.TLSClientConfig = h.Trust(t)
	}
	return []remote.Option{remote.WithAuth(auth), remote.WithTransport(way), remote.WithContext(t.Context())}
}

// push puts an index of two images with an artifact about it into a repository, and
// returns its name by digest.
func (h *harborage) push(t *testing.T, repository string, who rig.Login) (name.Digest, error) {
	t.Helper()
	index, err := noise.Index(1024, 2, 2)
	require.NoError(t, err)
	digest, err := index.Digest()
	require.NoError(t, err)
	ref, err := name.NewDigest(repository + "@" + digest.String())
	require.NoError(t, err)
	if err := remote.WriteIndex(ref.Context().Tag("1.0.0"), index, h.options(t, who)...); err != nil {
		return ref, err
	}
	size, err := index.Size()
	require.NoError(t, err)
	return ref, h.attach(t, ref, v1.Descriptor{MediaType: types.OCIImageIndex, Digest: digest, Size: size}, who)
}

// artifactType is how the registry tells an artifact of a type. That of
// go-containerregistry takes the type of its configuration for it.
func (h *harborage) artifactType(media string) string {
	if h.referrers {
		return "application/vnd.oci.empty.v1+json"
	}
	return media
}

// attach pushes a note about an image, in the form that attestations have.
func (h *harborage) attach(t *testing.T, ref name.Digest, subject v1.Descriptor, who rig.Login) error {
	t.Helper()
	m := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: note, Subject: &subject}
	for text, media := range map[string]types.MediaType{"{}": "application/vnd.oci.empty.v1+json", "moored": note} {
		l := static.NewLayer([]byte(text), media)
		if err := remote.WriteLayer(ref.Context(), l, h.options(t, who)...); err != nil {
			return err
		}
		d, err := partial.Descriptor(l)
		require.NoError(t, err)
		if media == note {
			m.Layers = []v1.Descriptor{*d}
		} else {
			m.Config = *d
		}
	}
	text, err := json.Marshal(m)
	require.NoError(t, err)
	digest, _, err := v1.SHA256(bytes.NewReader(text))
	require.NoError(t, err)
	return remote.Put(ref.Context().Digest(digest.String()), raw(text), h.options(t, who)...)
}

// note is the media type of what the tests of the registries attach.
const note = "application/vnd.example.note"

// raw is a manifest of an artifact.
type raw []byte

func (r raw) RawManifest() ([]byte, error)        { return r, nil }
func (r raw) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

// The registries of these tests let in whom they should and nobody else, and stock
// tools work with them: what fails on them later is Slipway's fault.
func TestRegistries_AreAsTheyShouldBe(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	for _, k := range registryKinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			h := k.open(t)
			ref, err := h.push(t, h.repository("tide"), rig.Writer)
			require.NoError(t, err)
			h.requireCopies(t, ref.String(), note)
			h.requireReferrers(t, ref)
			if h.Proxy != nil {
				h.requireCounted(t)
			}
			if h.Login {
				_, err = h.push(t, h.repository("tide"), rig.Login{User: rig.Writer.User, Password: "wrong"})
				var refused *transport.Error
				require.ErrorAs(t, err, &refused)
				require.Equal(t, http.StatusUnauthorized, refused.StatusCode)
			}
			if h.Tokens != nil {
				_, err = h.push(t, h.repository("tide"), rig.Reader)
				require.Error(t, err)
				_, err = remote.Get(ref, h.options(t, rig.Reader)...)
				require.NoError(t, err, "a reader reads")
				_, err = h.push(t, h.Address+"/other/tide", rig.Writer)
				require.Error(t, err)
			}
			if k.immutable {
				_, err = h.push(t, h.repository("tide"), rig.Writer)
				require.ErrorContains(t, err, "TAG_INVALID")
			}
		})
	}
}

func (h *harborage) requireReferrers(t *testing.T, ref name.Digest) {
	t.Helper()
	if h.Login {
		return // the kinds without a password are the same programs
	}
	resp, err := http.Get("http://" + h.Address + "/v2/" + ref.Context().RepositoryStr() + "/referrers/" + ref.DigestStr())
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, h.referrers, resp.StatusCode == http.StatusOK)
}

// requireCounted wants the proxy to have told the requests of a push apart.
func (h *harborage) requireCounted(t *testing.T) {
	t.Helper()
	seen := map[rig.Kind]int{}
	for _, what := range h.Proxy.Take() {
		seen[what.Kind]++
	}
	require.Zero(t, seen[rig.Other], "%v", seen)
	require.GreaterOrEqual(t, seen[rig.UploadStart], 7, "layers, configurations: %v", seen)
	require.GreaterOrEqual(t, seen[rig.ManifestPut], 3, "%v", seen)
	require.GreaterOrEqual(t, seen[rig.TagPut], 1, "%v", seen)
}

// A token of the token server is honoured for as long as it says, and not for the
// minute longer that registries allow.
func TestRegistries_TokensExpire(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	for _, program := range []string{"docker-registry", "distribution"} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			s := rig.NewRegistry(t, rig.RegistryOptions{Program: program, Auth: rig.Token, Lifetime: 5 * time.Second})
			ask := func() int {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Address+"/v2/team/tide/tags/list", nil)
				require.NoError(t, err)
				req.Header.Set("Authorization", "Bearer "+s.Tokens.Issued()[0])
				resp, err := http.DefaultClient.Do(req)
				require.NoError(t, err)
				defer resp.Body.Close()
				_, err = io.Copy(io.Discard, resp.Body)
				require.NoError(t, err)
				return resp.StatusCode
			}
			asked := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/token?scope=repository:team/tide:pull", nil)
			asked.SetBasicAuth(rig.Writer.User, rig.Writer.Password)
			s.Tokens.ServeHTTP(httptest.NewRecorder(), asked)
			require.Equal(t, http.StatusNotFound, ask(), "there is no such repository")
			rig.Eventually(t, 40*time.Second, "the token expires", func() bool { return ask() == http.StatusUnauthorized })
		})
	}
}
