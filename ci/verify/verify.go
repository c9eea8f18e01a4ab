// Package verify holds a published image against what its user expects: that it is
// whole, hardened and signed, and that its provenance and SBOM are those of its bytes.
// It believes nothing that a registry says until a digest or a signature shows it.
package verify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"example.com/slipway/ci/attest/sign"
	"example.com/slipway/ci/config"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/image"
	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/step"
)

// Options say what is expected of an image, and how it is had.
type Options struct {
	Trust config.Trust
	// Verifier checks signatures: nil where nobody said whose count.
	Verifier sign.Verifier
	// Unsigned believes statements whoever made them.
	Unsigned bool
	// Build makes the image of a recorded plan again from a source folder. Nil is no
	// rebuild.
	Build func(ctx context.Context, dir string, recorded plan.Image) (*image.Index, error)
	// Source is a folder whose repository may have the recorded commit, and Env the
	// user's environment, for git.
	Source string
	Env    []string
	// Only leaves out what a rebuild does not need: hardening, SBOM and scan.
	Only bool

	Reporter step.Reporter
	// Repository is where the image lies.
	Repository Repository
	// Keychain, PlainHTTP and Transport are for reading the layers, as in inspect.Options.
	Keychain  authn.Keychain
	PlainHTTP []string
	Transport http.RoundTripper
	// Now is the time that certificates in the image are judged at. The default is the clock's.
	Now time.Time
}

// Parse reads the reference of an image in a registry: HOST/REPO:TAG or
// HOST/REPO@sha256:....
func Parse(text string) (name.Reference, error) {
	ref, err := name.ParseReference(text, name.StrictValidation)
	if err != nil {
		return nil, fault.New(fault.Usage, "%.200q is not the name of an image in a registry", text).WithCause(err).
			WithFix("write HOST/REPOSITORY:TAG or HOST/REPOSITORY@sha256:...")
	}
	return ref, nil
}

// Verify runs every check. What fails is in the report. With an error there is none,
// because the registry or what checks signatures cannot be had, or one in which the
// rebuild is open, because it could not be tried.
func Verify(ctx context.Context, ref name.Reference, o Options) (*Report, error) {
	v := &verification{Options: o, ref: ref, report: &Report{Schema: Schema, Reference: ref.String(), Unsigned: o.Unsigned}}
	for _, part := range []struct {
		name string
		run  func(context.Context) (string, error)
	}{{"manifests", v.manifests}, {"layers", v.layers}, {"statements", v.statements}} {
		err := step.Run(o.Reporter, part.name, func(step.Step) (string, error) { return part.run(ctx) })
		if err != nil {
			return nil, err
		}
	}
	origin := v.judge()
	unbuilt := v.rebuild(ctx, origin)
	if err := v.still(ctx); err != nil {
		return nil, err
	}
	v.report.conclude()
	return v.report, unbuilt
}

// verification is a verification while it runs.
type verification struct {
	Options
	ref    name.Reference
	report *Report
	chain  *chain
	seen   *inspect.Report
	said   *said
}

// manifests resolves the reference once. Everything after it goes by digest.
func (v *verification) manifests(ctx context.Context) (string, error) {
	at, found, err := v.Repository.Head(ctx, v.ref.Identifier())
	if err == nil && !found {
		err = fault.New(fault.Registry, "reading %s: the repository does not have it", v.ref).WithFix("check the name, and the tag or digest")
	}
	if err != nil {
		return "", err
	}
	v.report.Digest = at.Digest.String()
	content, _, err := v.Repository.Manifest(ctx, v.report.Digest)
	if isWrong(err) || isAbsent(err) {
		// It is larger than any index, or not what its digest says.
		v.chain = &chain{repo: v.Repository, digest: at.Digest}
		v.chain.note("%s", sentence(err))
		return "not readable", nil
	}
	if err != nil {
		return "", err
	}
	if v.chain, err = follow(ctx, v.Repository, content, at.Digest); err != nil {
		return "", err
	}
	return plain.Count(len(v.chain.images), "image"), nil
}

// layers reads every layer and looks into it.
func (v *verification) layers(ctx context.Context) (string, error) {
	if len(v.chain.wrong) > 0 {
		return "not read, because its manifests are not whole", nil
	}
	pinned := v.ref.Context().Digest(v.report.Digest).String()
	source, err := inspect.Open(ctx, pinned, inspect.Options{
		Keychain: v.Keychain, PlainHTTP: v.PlainHTTP, Transport: v.Transport, Now: v.Now,
	})
	if err == nil {
		defer source.Close()
		v.seen, err = source.Inspect(ctx)
	}
	if err == nil && v.seen.Kind != inspect.Registry {
		return "", fault.New(fault.Usage, "a file or folder here has the name %s, and hides the image", pinned).WithFix("run it in another folder")
	}
	told, ok := errors.AsType[*fault.Error](err)
	switch {
	case err == nil:
		if !v.chain.inspected(v.seen) {
			v.seen = nil
		}
	case isAbsent(err):
		v.chain.note("a layer is missing: the registry does not have it")
	case ok && told.Kind == fault.Unjudged:
		v.chain.note("%s", told.What)
	default:
		return "", err
	}
	var size int64
	for i := range v.chain.images {
		if seen := v.chain.images[i].seen; seen != nil {
			size += seen.Compressed
		}
	}
	return step.Size(size), nil
}

func (v *verification) statements(ctx context.Context) (string, error) {
	var err error
	v.said, err = v.chain.gather(ctx, v.Options)
	if err != nil {
		return "", err
	}
	return plain.Count(len(v.said.believed), "statement"), nil
}

// judge holds what was read against what is expected, and returns where the image comes
// from, if that is proved.
func (v *verification) judge() *Origin {
	r := v.report
	for _, one := range v.chain.images {
		img := Image{Platform: one.platform, Digest: one.digest.String()}
		if one.seen != nil {
			img.Compressed = one.seen.Compressed
		}
		r.Images = append(r.Images, img)
	}
	r.Statements = v.said.listed()
	v.chain.digests(r)
	if !v.Only {
		v.image()
	}
	v.said.signature(r, v.Options)
	origin := v.provenance()
	if !v.Only {
		v.sbom(origin)
		v.scan()
	}
	return origin
}

// image judges what is in the image.
func (v *verification) image() {
	r := v.report
	if v.seen == nil {
		r.skipped(CheckImage, "the image is not whole")
		return
	}
	r.Findings = inspect.Judge(v.seen, inspect.Policy{Budget: v.Trust.Budget})
	var fail []string
	fix := ""
	noted := 0
	for _, f := range r.Findings {
		if f.Severity != inspect.High {
			noted++
			continue
		}
		if fix == "" {
			fix = f.Fix
		}
		fail = append(fail, fmt.Sprintf("%s %s: %s", f.Platform, f.ID, f.What))
	}
	switch {
	case len(fail) > 0:
		r.failed(CheckImage, fix, fail...)
	case noted > 0:
		r.passed(CheckImage, "nothing that stops it, %s noted: slipway inspect lists them", plain.Count(noted, "finding"))
	default:
		r.passed(CheckImage, "within its budget, not root, and nothing in it that could be left out")
	}
}

// still makes sure that the tag stayed where it was: what was verified would not be
// what somebody gets who pulls it by that name.
func (v *verification) still(ctx context.Context) error {
	tag, ok := v.ref.(name.Tag)
	if !ok {
		return nil
	}
	now, found, err := v.Repository.Head(ctx, tag.TagStr())
	if err != nil {
		return err
	}
	if found && now.Digest.String() == v.report.Digest {
		return nil
	}
	where := "was taken away"
	if found {
		where = "was moved to " + now.Digest.String()
	}
	for i := range v.report.Checks {
		if c := &v.report.Checks[i]; c.Name == CheckDigests {
			c.Outcome, c.Fix = finding.Failed, "verify again, or verify the digest instead of the tag"
			c.Summary = fmt.Sprintf("the tag %s %s while it was verified", tag.TagStr(), where)
		}
	}
	return nil
}
