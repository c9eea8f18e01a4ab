package pipeline

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"example.com/slipway/ci/base"
	"example.com/slipway/ci/plan"
)

// BuiltinName is the base that is embedded in Slipway.
const BuiltinName = "builtin"

// base gets the base that the plan names.
func (p *Pipeline) base(ctx context.Context, b *Built) (*base.Base, error) {
	img := b.Plan.Image
	switch img.Base.Name {
	case BuiltinName:
		return p.builtin(b)
	case "scratch":
		return base.Scratch(img.Platforms)
	}
	found, err := base.Fetch(ctx, p.request(b))
	if err == nil {
		b.Plan.SetBase(img.Base, found.Platforms())
		return found, nil
	}
	if !p.BuiltinBase || !base.IsUnreachable(err) || b.Plan.Said("base") {
		return nil, err
	}
	p.Reporter.Note(err.Error())
	p.Reporter.Note("the image stands on the embedded base instead of " + img.Base.String() + ": it is for trying out, and publish will refuse it")
	b.Builtin = true
	return p.builtin(b)
}

// request asks for the pinned base.
func (p *Pipeline) request(b *Built) base.Request {
	img := b.Plan.Image
	return base.Request{
		Pin: img.Base, Platforms: img.Platforms, Mirrors: b.Plan.Run.Mirrors,
		Cache: filepath.Join(p.Cache, "base"), Keychain: authn.DefaultKeychain, Wait: p.Wait,
	}
}

// keptBase is the base without a question to a registry.
func (p *Pipeline) keptBase(ctx context.Context, b *Built) (*base.Base, error) {
	if name := b.Plan.Image.Base.Name; name == BuiltinName || name == "scratch" {
		return p.base(ctx, b)
	}
	r := p.request(b)
	r.Transport, r.Pause = nobody{}, time.Nanosecond
	found, err := base.Fetch(ctx, r)
	if err == nil {
		b.Plan.SetBase(b.Plan.Image.Base, found.Platforms())
	}
	return found, err
}

// nobody is the way to no registry.
type nobody struct{}

func (nobody) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("nobody is asked")
}

func (p *Pipeline) builtin(b *Built) (*base.Base, error) {
	platforms := b.Plan.Image.Platforms
	if b.Plan.AllPlatforms {
		platforms = builtinPlatforms()
	}
	found, err := base.Builtin(platforms)
	if err != nil {
		return nil, err
	}
	b.Plan.SetBase(plan.Pin{Name: BuiltinName, Digest: found.Digest}, platforms)
	return found, nil
}

// builtinPlatforms are those of the distroless base that the embedded one stands
// in for.
func builtinPlatforms() []plan.Platform {
	return []plan.Platform{
		{OS: "linux", Arch: "amd64"}, {OS: "linux", Arch: "arm", Variant: "v7"}, {OS: "linux", Arch: "arm64"},
		{OS: "linux", Arch: "ppc64le"}, {OS: "linux", Arch: "riscv64"}, {OS: "linux", Arch: "s390x"},
	}
}
