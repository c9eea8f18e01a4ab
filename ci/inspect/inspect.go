// Package inspect says what an image is, of whoever made it and wherever it lies,
// and judges it: how large it is and of what, and whether it holds anything that
// a service could do without.
//
// An image is hostile until it was read: every digest is checked, every size is
// bounded, and nothing of it is ever written to this machine or resolved on it.
package inspect

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/inspect/leak"
	"example.com/slipway/ci/plan"
)

// Options say what of an image is looked at, and how. All may be left out.
type Options struct {
	// Platforms are those that are looked at. The default is all that the image has.
	Platforms []plan.Platform
	// Dir is the folder that relative paths count from. The default is the process's.
	Dir string
	// Expect is which files the images add to their base.
	Expect *Expect
	// Forbidden are names of the machine that built the image, none of which is to be
	// in it. Those that are short, or a word of their own, are not looked for, nor folders
	// that are the image's own working folder or home.
	Forbidden []Forbidden
	// Limits bound what is read.
	Limits Limits
	// Now is the time that certificates are judged at. The default is the clock's.
	Now time.Time
	// Keychain has the credentials of registries. The default is to have none.
	Keychain authn.Keychain
	// PlainHTTP are the hosts of registries, with their port, that may be asked without
	// TLS. This machine and private addresses may always.
	PlainHTTP []string
	// Transport sends requests to registries. The default is http.DefaultTransport.
	Transport http.RoundTripper
	// Stall is how long a registry may send nothing. The default is 30 seconds.
	Stall time.Duration

	rules *leak.Rules
}

// Forbidden is a name of the machine that built an image, and what it is in words for
// the user: the source folder, the host name.
type Forbidden = leak.Forbidden

func (o Options) withDefaults() Options {
	o.rules = leak.NewRules(o.Forbidden)
	o.Limits = o.Limits.withDefaults()
	o.Keychain = cmp.Or[authn.Keychain](o.Keychain, authn.NewMultiKeychain())
	o.Transport = cmp.Or(o.Transport, http.DefaultTransport)
	o.Stall = cmp.Or(o.Stall, 30*time.Second)
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	return o
}

// Inspect reads every image of a source. An image that cannot be judged, because
// it is damaged or too large, is a *fault.Error of kind Unjudged; what its registry
// does not give is one of kind Registry.
func (s *Source) Inspect(ctx context.Context) (*Report, error) {
	images := make([]Image, len(s.images))
	group, each := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, c := range s.images {
		group.Go(func() (err error) {
			images[i], err = c.inspect(each, s.options)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, s.explain(ctx, err)
	}
	return &Report{Schema: Schema, Image: s.ref, Kind: s.kind, Digest: s.digest, Images: images}, nil
}

// explain makes an error one for the user.
func (s *Source) explain(ctx context.Context, err error) error {
	if told, ok := errors.AsType[*fault.Error](err); ok {
		return told
	}
	if ctx.Err() != nil {
		return fmt.Errorf("inspecting %s: %w", s.ref, context.Cause(ctx))
	}
	if errors.Is(err, fs.ErrPermission) {
		return fault.New(fault.Usage, "inspecting %s: %v", s.ref, err).WithCause(err).WithFix("make it readable for this user")
	}
	told := fault.New(fault.Unjudged, "inspecting %s: %v", s.ref, err).WithCause(err)
	if _, ok := errors.AsType[*mismatchError](err); ok {
		return told.WithFix("the image was damaged or changed: do not run it, and get it again from where it was built")
	}
	if _, ok := errors.AsType[*boundError](err); ok {
		return told.WithFix("no service needs that much: look into the image before anything unpacks it")
	}
	return told.WithFix("the image cannot be unpacked as it is: build it again or get it again")
}

// content is one platform's image before its layers are read.
type content struct {
	listed    *plan.Platform
	digest    string // of the manifest
	mediaType string
	id        v1.Hash // of the configuration
	config    []byte
	file      v1.ConfigFile
	layers    []blob
	archived  bool
	// annotations are those of the manifest, and of every index on the way to it.
	annotations []map[string]string
}

func (c *content) inspect(ctx context.Context, o Options) (Image, error) {
	w := &walker{tree: newTree(o.Limits), leaks: newLeaks(o.rules)}
	if o.Expect != nil {
		w.tree.base = o.Expect.BaseLayers
	}
	img := Image{
		Platform: c.platform(), Listed: c.listed, Digest: c.digest, MediaType: c.mediaType, ID: c.id.String(),
		Config: configOf(c.file.Config), Layers: []Layer{}, Compressed: int64(len(c.config)),
	}
	words := c.createdBy()
	for i, b := range c.layers {
		w.tree.layer = i
		l, err := w.layer(ctx, b, c.file.RootFS.DiffIDs[i])
		if err != nil {
			return Image{}, fmt.Errorf("layer %d of %d: %w", i+1, len(c.layers), err)
		}
		l.CreatedBy = words[i]
		img.Layers = append(img.Layers, l)
		img.Compressed += l.Compressed
		img.Unpacked += l.Unpacked
		img.Inflated = img.Inflated || c.archived && l.Compressed == l.Unpacked
	}
	img.judgeable(w.tree, c.file.Config.Env, o)
	c.say(w.leaks)
	w.leaks.allow(w.tree, img.Config.Workdir, o.Forbidden)
	img.Leaks = w.leaks.of(w.tree)
	img.mask(o.rules)
	return img, nil
}

// judgeable gathers what the rules ask for.
func (img *Image) judgeable(t *tree, env []string, o Options) {
	dirs := searched(env, img.Config.Workdir)
	img.User = t.user(img.Config.User)
	img.Files = t.files(dirs)
	entrypoint, in := t.entrypoint(img.Config, img.User, dirs)
	img.Entrypoint = entrypoint
	img.Programs = t.programs(entrypoint, in)
	img.Certificates = t.certificates(env, o.Now)
	img.Zones = t.zones()
	img.Distribution = t.distribution()
	img.Packages, img.Unlisted = t.packages()
	if o.Expect != nil {
		img.Difference = t.difference(*o.Expect)
	}
}

// parse reads the configuration and checks that it is for these layers.
func (c *content) parse() error {
	if err := json.Unmarshal(c.config, &c.file); err != nil {
		return fmt.Errorf("its configuration %s is not one: %w", c.id, err)
	}
	if layers, ids := len(c.layers), len(c.file.RootFS.DiffIDs); layers != ids {
		return fmt.Errorf("its manifest lists %d layers and its configuration %d", layers, ids)
	}
	if len(c.layers) > maxLayers {
		return tooMany(maxLayers, "layers")
	}
	return nil
}

func (c *content) platform() plan.Platform {
	return plan.Platform{OS: c.file.OS, Arch: c.file.Architecture, Variant: c.file.Variant}.Normal()
}

// createdBy returns history's words for each layer. A history that does not count
// the layers says nothing.
func (c *content) createdBy() []string {
	var words []string
	for _, h := range c.file.History {
		if !h.EmptyLayer {
			words = append(words, h.CreatedBy)
		}
	}
	if len(words) != len(c.layers) {
		return make([]string, len(c.layers))
	}
	return words
}

func configOf(c v1.Config) Config {
	own := Config{
		User: c.User, Entrypoint: c.Entrypoint, Args: c.Cmd, Workdir: c.WorkingDir,
		Ports: slices.Sorted(maps.Keys(c.ExposedPorts)), Labels: c.Labels,
	}
	for _, e := range c.Env {
		name, _, _ := strings.Cut(e, "=")
		own.Env = append(own.Env, name)
	}
	return own
}
