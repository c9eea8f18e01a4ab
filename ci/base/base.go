// Package base is the image that ours stands on: fetched from a registry by its
// digest, or embedded, or empty. Its bytes are copied and never made anew, so that
// a pin names the same layers on every machine.
package base

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"example.com/slipway/ci/plan"
)

// Base is an image with one child for each platform that was wanted.
type Base struct {
	// Name is the pin's name, never a mirror's, or "builtin", or "scratch".
	Name string
	// Digest is the pin's, or that of the builtin base for all platforms. It does
	// not depend on which platforms were wanted. For scratch it is empty.
	Digest string
	// Images has a child for each wanted platform. A wanted linux/amd64/v3 may stand
	// on a child for linux/amd64: the configuration says which one it is.
	Images map[plan.Platform]v1.Image
	// Cached is true if no registry was asked.
	Cached bool
	// Builtin is true for the embedded base.
	Builtin bool
}

// Platforms returns the keys of Images in order.
func (b *Base) Platforms() []plan.Platform {
	return slices.SortedFunc(maps.Keys(b.Images), plan.Platform.Compare)
}

// Request says which base to fetch, and from where.
type Request struct {
	Pin plan.Pin
	// Platforms are the wanted ones. The default is every platform that the base
	// has and Go builds.
	Platforms []plan.Platform
	// Mirrors maps a registry's host to the host[:port] that is asked instead.
	Mirrors map[string]string
	// Cache is the folder that keeps what was fetched, by digest.
	Cache string
	// Keychain has the credentials of registries. The default is to have none.
	Keychain authn.Keychain
	// Transport sends the requests. The default is http.DefaultTransport.
	Transport http.RoundTripper
	// Wait is how long the first answer of a registry may take until it counts as
	// unreachable. The default is 5 seconds.
	Wait time.Duration
	// Stall is how long a registry that has answered may then send nothing, and how
	// long a whole manifest may take. The default is 30 seconds.
	Stall time.Duration
	// Pause is the time before the second attempt, three times as long before the
	// third. The default is one second.
	Pause time.Duration
}

func (r Request) withDefaults() Request {
	r.Keychain = cmp.Or[authn.Keychain](r.Keychain, authn.NewMultiKeychain())
	r.Transport = cmp.Or(r.Transport, http.DefaultTransport)
	r.Wait = cmp.Or(r.Wait, 5*time.Second)
	r.Stall = cmp.Or(r.Stall, 30*time.Second)
	r.Pause = cmp.Or(r.Pause, time.Second)
	return r
}

// parallel is how many files are read or fetched at a time.
const parallel = 4

// fetcher answers from the cache where it can, and else from the registry.
type fetcher struct {
	pin      plan.Pin
	cache    store
	registry *registry
}

// Fetch returns the base that a pin names, with every layer in the cache. Errors
// that the user can act on are *fault.Error: of kind Usage if the base is not one
// to build the wanted platforms on, of kind Registry if it could not be had.
func Fetch(ctx context.Context, r Request) (*Base, error) {
	if r.Cache == "" {
		return nil, errors.New("fetching a base: no cache folder was given")
	}
	r = r.withDefaults()
	asked, err := newRegistry(r)
	if err != nil {
		return nil, err
	}
	f := &fetcher{pin: r.Pin, cache: store{dir: r.Cache}, registry: asked}
	have, err := f.children(ctx)
	if err != nil {
		return nil, err
	}
	chosen, err := choose(r.Pin.String(), have, r.Platforms)
	if err != nil {
		return nil, err
	}
	images, err := f.images(ctx, chosen)
	if err != nil {
		return nil, err
	}
	return &Base{Name: r.Pin.Name, Digest: r.Pin.Digest, Images: images, Cached: !asked.asked.Load()}, nil
}

// children returns what the pin has: the entries of an index, or one image.
func (f *fetcher) children(ctx context.Context) ([]child, error) {
	pinned, err := v1.NewHash(f.pin.Digest)
	if err != nil {
		return nil, fmt.Errorf("reading the pin %s: %w", f.pin, err)
	}
	m, err := f.manifest(ctx, pinned)
	if err != nil {
		return nil, err
	}
	if m.isIndex() {
		return m.children(), nil
	}
	image, err := f.image(ctx, pinned)
	if err != nil {
		return nil, err
	}
	return []child{{platform: image.platform(), manifest: pinned}}, nil
}

// images opens the chosen children after fetching the layers that they lack.
func (f *fetcher) images(ctx context.Context, chosen map[plan.Platform]child) (map[plan.Platform]v1.Image, error) {
	found := map[plan.Platform]v1.Image{}
	layers := map[v1.Hash]v1.Descriptor{}
	for _, p := range slices.SortedFunc(maps.Keys(chosen), plan.Platform.Compare) {
		image, err := f.image(ctx, chosen[p].manifest)
		if err != nil {
			return nil, err
		}
		if err := image.is(chosen[p].platform); err != nil {
			return nil, f.unusable(err)
		}
		for _, l := range image.parsed.Layers {
			layers[l.Digest] = l
		}
		if found[p], err = image.extend(); err != nil {
			return nil, err
		}
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(parallel)
	for digest, l := range layers {
		work.Go(func() error {
			if f.cache.has(digest, l.Size) {
				return nil
			}
			return f.registry.layer(ctx, digest, l.Size, f.cache)
		})
	}
	return found, work.Wait()
}

// manifest returns a checked manifest or index.
func (f *fetcher) manifest(ctx context.Context, digest v1.Hash) (*manifest, error) {
	raw, err := f.document(ctx, kindManifest, digest, maxManifest)
	if err != nil {
		return nil, err
	}
	m, err := parseManifest(raw)
	if err != nil {
		return nil, f.unusable(err)
	}
	return m, nil
}

// image returns a child's manifest and configuration, without its layers.
func (f *fetcher) image(ctx context.Context, digest v1.Hash) (*image, error) {
	m, err := f.manifest(ctx, digest)
	if err != nil {
		return nil, err
	}
	if m.isIndex() {
		return nil, f.unusable(fmt.Errorf("its child %s is an index again", digest))
	}
	config, err := f.document(ctx, kindConfig, m.Config.Digest, m.Config.Size)
	if err != nil {
		return nil, err
	}
	i, err := newImage(m, config, f.cache)
	if err != nil {
		return nil, f.unusable(err)
	}
	return i, nil
}

// document returns a small file by its digest.
func (f *fetcher) document(ctx context.Context, k kind, digest v1.Hash, limit int64) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("fetching base %s: %w", f.pin, err)
	}
	if data, ok := f.cache.read(digest, limit); ok {
		return data, nil
	}
	data, err := f.registry.document(ctx, k, digest, limit)
	if err != nil {
		return nil, err
	}
	return data, f.cache.write(digest, data)
}
