package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/image"
	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/registry"
)

// Repository is what verification asks of a repository in a registry. Content comes by
// digest, has it, and is bounded.
type Repository interface {
	Manifest(ctx context.Context, tagOrDigest string) ([]byte, v1.Descriptor, error)
	Blob(ctx context.Context, digest string, limit int64) ([]byte, error)
	Head(ctx context.Context, tagOrDigest string) (v1.Descriptor, bool, error)
	Referrers(ctx context.Context, digest string) ([]v1.Descriptor, error)
}

// Bounds on an index.
const (
	maxChildren = 64
	maxConfig   = 8 << 20 // bytes
)

// chain is an index with all that hangs on it by digest.
type chain struct {
	repo   Repository
	digest v1.Hash
	images []child
	// others counts what lies in the index beside images: attestations of BuildKit.
	others int
	// wrong is what does not hold, as clauses.
	wrong []string
}

// child is one platform's image.
type child struct {
	platform plan.Platform
	digest   v1.Hash
	// config is the configuration, or nil where it could not be had.
	config []byte
	label  string
	layers []v1.Descriptor
	// seen is what inspection says of it, or nil.
	seen *inspect.Image
}

// follow reads an index and everything below it but layers. An error says that the
// registry cannot be had; what is missing or wrong is noted.
func follow(ctx context.Context, repo Repository, content []byte, digest v1.Hash) (*chain, error) {
	c := &chain{repo: repo, digest: digest}
	var idx struct {
		v1.IndexManifest
		Config, Layers json.RawMessage
	}
	if err := json.Unmarshal(content, &idx); err != nil || idx.SchemaVersion != 2 {
		c.note("its manifest is none of OCI or Docker")
		return c, nil
	}
	// A document of both kinds is one image to one tool and another to the next.
	if idx.Manifests == nil || idx.Config != nil || idx.Layers != nil {
		c.note("it is no index of platforms, as Slipway publishes, but an image or an artifact")
		return c, nil
	}
	if len(idx.Manifests) > maxChildren {
		c.note("its index has %d entries, more than %d", len(idx.Manifests), maxChildren)
		return c, nil
	}
	seen := map[plan.Platform]bool{}
	for _, d := range idx.Manifests {
		if d.Platform != nil && d.Platform.OS == "unknown" && d.Platform.Architecture == "unknown" {
			c.others++
			continue
		}
		if err := c.child(ctx, d, seen); err != nil {
			return c, err
		}
	}
	if len(c.images) == 0 {
		c.note("its index has no image")
	}
	return c, nil
}

func (c *chain) note(format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

func (c *chain) child(ctx context.Context, d v1.Descriptor, seen map[plan.Platform]bool) error {
	if d.Platform == nil {
		c.note("its index does not say which platform %s is for", d.Digest)
		return nil
	}
	one := child{digest: d.Digest, platform: plan.Platform{OS: d.Platform.OS, Arch: d.Platform.Architecture, Variant: d.Platform.Variant}.Normal()}
	if seen[one.platform] {
		c.note("its index has %s twice", one.platform)
		return nil
	}
	seen[one.platform] = true
	err := c.read(ctx, d, &one)
	c.images = append(c.images, one)
	return err
}

// read reads a manifest and its configuration.
func (c *chain) read(ctx context.Context, d v1.Descriptor, one *child) error {
	if d.Digest.Algorithm != "sha256" {
		c.note("the manifest for %s is named by %s, and only sha256 is known", one.platform, d.Digest)
		return nil
	}
	content, _, err := c.repo.Manifest(ctx, d.Digest.String())
	if err != nil {
		return c.without(err, "manifest", one, d)
	}
	c.sized("manifest", one, d, content)
	var m v1.Manifest
	if err := json.Unmarshal(content, &m); err != nil || m.SchemaVersion != 2 || !m.Config.MediaType.IsConfig() {
		c.note("the manifest for %s is not one of an image", one.platform)
		return nil
	}
	one.layers = m.Layers
	config, err := c.repo.Blob(ctx, m.Config.Digest.String(), maxConfig)
	if err != nil {
		return c.without(err, "configuration", one, m.Config)
	}
	c.sized("configuration", one, m.Config, config)
	var file v1.ConfigFile
	if err := json.Unmarshal(config, &file); err != nil {
		c.note("the configuration for %s is not one", one.platform)
		return nil
	}
	if is := (plan.Platform{OS: file.OS, Arch: file.Architecture, Variant: file.Variant}).Normal(); is != one.platform {
		c.note("the index says %s, and the configuration there %s", one.platform, is)
	}
	one.config, one.label = config, file.Config.Labels[image.PlanLabel]
	return nil
}

// sized compares the size that an index or manifest says with the real one.
func (c *chain) sized(what string, one *child, d v1.Descriptor, content []byte) {
	if d.Size != int64(len(content)) {
		c.note("the %s for %s has %d bytes instead of %d", what, one.platform, len(content), d.Size)
	}
}

// without says what is not there, or not what it should be, or returns the error of a
// registry that cannot be had.
func (c *chain) without(err error, what string, one *child, d v1.Descriptor) error {
	switch {
	case isAbsent(err):
		c.note("the %s for %s is missing: the registry does not have %s", what, one.platform, d.Digest)
	case isWrong(err):
		c.note("the %s for %s is wrong: %s", what, one.platform, sentence(err))
	default:
		return err
	}
	return nil
}

// isAbsent tells a registry that does not have something from one that cannot be had.
func isAbsent(err error) bool {
	status, ok := errors.AsType[*transport.Error](err)
	return errors.Is(err, registry.ErrNotFound) || ok && status.StatusCode == http.StatusNotFound
}

// isWrong tells a registry that gave something else from one that cannot be had.
func isWrong(err error) bool {
	return fault.KindOf(err) == fault.Unjudged || errors.Is(err, registry.ErrContent)
}

// sentence is an error without what to do about it.
func sentence(err error) string {
	if told, ok := errors.AsType[*fault.Error](err); ok {
		return told.What
	}
	return err.Error()
}

// inspected adds what inspection says, which reads every layer and checks its digest. It
// tells whether that was all of the images.
func (c *chain) inspected(r *inspect.Report) bool {
	for i := range c.images {
		for j := range r.Images {
			if r.Images[j].Digest == c.images[i].digest.String() {
				c.images[i].seen = &r.Images[j]
			}
		}
		if c.images[i].seen == nil {
			c.note("the index has the image for %s in the form of an attestation", c.images[i].platform)
		}
	}
	return len(c.wrong) == 0
}

// digests says how the chain holds.
func (c *chain) digests(r *Report) {
	if len(c.wrong) > 0 {
		r.failed(CheckDigests, "do not run it: publish it again, or take the image from where it is whole", c.wrong...)
		return
	}
	layers := map[string]bool{}
	for _, one := range c.images {
		for _, l := range one.layers {
			layers[l.Digest.String()] = true
		}
	}
	beside := ""
	if c.others > 0 {
		beside = fmt.Sprintf(", %d entries that are no images", c.others)
	}
	r.passed(CheckDigests, "the index, %s with their configurations, and %s are what their digests say%s",
		plain.Count(len(c.images), "image"), plain.Count(len(layers), "layer"), beside)
}
