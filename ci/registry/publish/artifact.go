package publish

import (
	"encoding/json"
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/registry"
)

// The annotations of what is attached. Those of Sigstore are how cosign finds a bundle
// without reading it; BuildKit names predicates by in-toto's.
const (
	annotationCreated         = "org.opencontainers.image.created"
	annotationBundleContent   = "dev.sigstore.bundle.content"
	annotationBundlePredicate = "dev.sigstore.bundle.predicateType"
	annotationPredicate       = "in-toto.io/predicate-type"
	// annotationSigner tells a later run who signed, which a bundle says in many ways.
	annotationSigner = "slipway.signer"

	emptyMediaType types.MediaType = "application/vnd.oci.empty.v1+json"
)

// artifact is an attestation in the form in which a registry keeps it.
type artifact struct {
	subject  v1.Descriptor
	manifest registry.Manifest
	// listed is its descriptor as lists of referrers have it.
	listed v1.Descriptor
	blobs  []registry.Content
}

// newArtifact wraps a document. The same document is the same manifest.
// https://github.com/opencontainers/image-spec/blob/main/manifest.md#guidelines-for-artifact-usage
func newArtifact(d attest.Document, signer string, subject v1.Descriptor, created time.Time) (artifact, error) {
	empty := []byte("{}")
	config, err := registry.NewManifest(empty, emptyMediaType)
	if err != nil {
		return artifact{}, err
	}
	layer, err := registry.NewManifest(d.Content, types.MediaType(d.MediaType))
	if err != nil {
		return artifact{}, err
	}
	annotations := map[string]string{annotationCreated: created.UTC().Format(time.RFC3339), predicateKey(d.MediaType): d.PredicateType}
	if d.MediaType == attest.BundleMediaType {
		annotations[annotationBundleContent] = "dsse-envelope"
	}
	if signer != "" {
		annotations[annotationSigner] = signer
	}
	subject = v1.Descriptor{MediaType: subject.MediaType, Digest: subject.Digest, Size: subject.Size}
	content, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, ArtifactType: d.MediaType,
		Config: config.Descriptor, Layers: []v1.Descriptor{layer.Descriptor}, Subject: &subject, Annotations: annotations,
	})
	if err != nil {
		return artifact{}, err
	}
	m, err := registry.NewManifest(content, types.OCIManifestSchema1)
	if err != nil {
		return artifact{}, err
	}
	listed := m.Descriptor
	listed.ArtifactType, listed.Annotations = d.MediaType, annotations
	return artifact{
		subject: subject, manifest: m, listed: listed,
		blobs: []registry.Content{inMemory(config.Descriptor, empty), inMemory(layer.Descriptor, d.Content)},
	}, nil
}

// predicateKey is the annotation that names the predicate of a document.
func predicateKey(mediaType string) string {
	if mediaType == attest.BundleMediaType {
		return annotationBundlePredicate
	}
	return annotationPredicate
}

// is tells whether a referrer is what an earlier run attached in an attachment's place.
// Its artifactType is not asked: some registries tell the configuration's type there.
func (a Attachment) is(d v1.Descriptor) bool {
	return d.Annotations[predicateKey(a.MediaType)] == a.PredicateType && d.Annotations[annotationSigner] == a.Signer
}

// readAttachments finds what each attachment is attached to.
func (p *publication) readAttachments() error {
	p.subjects = map[string]v1.Descriptor{p.index.Digest.String(): p.index.Descriptor}
	for _, img := range p.images {
		p.subjects[img.manifest.Digest.String()] = img.manifest.Descriptor
	}
	for _, a := range p.Attachments {
		if _, ok := p.subjects[a.Subject]; !ok {
			return fmt.Errorf("attaching %s: %s is neither the index nor one of its images", a.PredicateType, a.Subject)
		}
		p.result.Attestations = append(p.result.Attestations, Attestation{Subject: a.Subject, PredicateType: a.PredicateType, Outcome: open})
	}
	return nil
}
