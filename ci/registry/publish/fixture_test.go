package publish_test

import (
	"net/http"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/registry"
	"example.com/slipway/ci/registry/publish"
	"example.com/slipway/ci/registry/registrytest"
)

// fixture is a publisher in front of a registry.
type fixture struct {
	server *registrytest.Server
	clock  *registrytest.Clock
	index  v1.ImageIndex
	digest string
	// options are those of every repository that is opened.
	options registry.Options
	// documents is how many are attached to the index.
	documents int
}

func newFixture(t *testing.T, o registrytest.Options) *fixture {
	t.Helper()
	index, err := random.Index(600, 2, 2)
	require.NoError(t, err)
	digest, err := index.Digest()
	require.NoError(t, err)
	f := &fixture{
		server: registrytest.Start(t, o), clock: registrytest.NewClock(), index: index, digest: digest.String(),
		documents: o.Attestations,
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	f.options = registry.Options{Push: true, Transport: transport, Clock: f.clock, Random: registrytest.Half}
	return f
}

// publication opens the repository anew, as another run does.
func (f *fixture) publication(t *testing.T, tags ...publish.Tag) publish.Publication {
	t.Helper()
	r, err := registry.Open(f.server.Host+"/team/server", f.options)
	require.NoError(t, err)
	p := publish.Publication{Repository: r, Index: f.index, Created: time.Unix(1700000000, 0), Tags: tags}
	for i := range f.documents {
		d := attest.Document{
			Subject: f.digest, PredicateType: []string{attest.Signature, attest.Provenance, attest.SPDX}[i],
			MediaType: attest.BundleMediaType, Content: []byte{'{', ' ', byte('0' + i), '}'},
		}
		p.Attachments = append(p.Attachments, attach(d, "key k"))
	}
	return p
}

// attach is a document that is made already.
func attach(d attest.Document, signer string) publish.Attachment {
	return publish.Attachment{
		Subject: d.Subject, PredicateType: d.PredicateType, MediaType: d.MediaType, Signer: signer,
		Document: func() (attest.Document, error) { return d, nil },
	}
}

// tags are a version and a moving one.
func tags() []publish.Tag {
	return []publish.Tag{{Name: "1.2.3"}, {Name: "latest", Moving: true}}
}

// pointsTo returns the digest of a tag behind the faults.
func (f *fixture) pointsTo(tag string) string {
	return f.server.Get("/v2/team/server/manifests/" + tag).Header().Get("Docker-Content-Digest")
}

// requireComplete asserts that everything is there that the tags point to.
func (f *fixture) requireComplete(t *testing.T, tags ...string) {
	t.Helper()
	raw, err := f.index.RawManifest()
	require.NoError(t, err)
	require.Empty(t, f.server.Missing("/v2/team/server", raw))
	for _, tag := range tags {
		require.Equal(t, f.digest, f.pointsTo(tag), tag)
	}
	require.Empty(t, f.server.Broken())
}
