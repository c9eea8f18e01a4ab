package pipeline

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/output"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/process"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/registry"
	"example.com/slipway/ci/registry/auth"
	"example.com/slipway/ci/registry/publish"
)

// publication is an image for one repository, or for a place on this machine.
func (p *Pipeline) publication(b *Built, made Image, t *registry.Repository, documents []publish.Attachment) publish.Publication {
	one := publish.Publication{
		Repository: t, Index: made.Index.ImageIndex, Created: time.Unix(made.Plan.Epoch, 0).UTC(), Attachments: documents,
	}
	if t != nil {
		switch b.Plan.Run.Publish.Attestation(t.Registry()) {
		case plan.AttestOff:
			one.Attachments = nil
		case plan.AttestWarn:
			one.Attach = publish.Warn
		}
	}
	for _, tag := range b.Plan.Tags {
		one.Tags = append(one.Tags, publish.Tag{
			Name: tag.Name, Moving: tag.Moving, Overwrite: b.Plan.Run.Publish.Overwrite, Move: tag.MayMove,
		})
	}
	return one
}

// recorded is a result as receipts have it.
func recorded(image string, r publish.Result, signedBy string) receipt.Publication {
	p := receipt.Publication{
		Image: image, Repository: r.Repository, Digest: r.Digest, State: receipt.PublicationState(r.State),
		Referrers: string(r.Referrers), Uploaded: r.Uploaded, Mounted: r.Mounted, Present: r.Present, Bytes: r.Bytes,
	}
	for _, t := range r.Tags {
		p.Tags = append(p.Tags, receipt.Tag{Name: t.Name, Moving: t.Moving, Before: t.Before, Outcome: receipt.TagOutcome(t.Outcome), Why: t.Why})
	}
	for _, a := range r.Attestations {
		p.Attestations = append(p.Attestations, receipt.Attestation{
			Subject: a.Subject, Type: a.PredicateType, Digest: a.Digest, Outcome: a.Outcome, Why: a.Why, Signed: signedBy,
		})
	}
	return p
}

// hosts are the registries of the targets.
func hosts(b *Built) []string {
	var all []string
	for _, t := range b.Plan.Run.Targets {
		if _, _, local := config.Local(t); !local {
			host, _, _ := strings.Cut(t, "/")
			all = append(all, host)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// keychain has the credentials of the targets' registries.
func (p *Pipeline) keychain(b *Built) (authn.Keychain, error) { return p.keychainFor(b, hosts(b)) }

func (p *Pipeline) keychainFor(b *Built, targets []string) (authn.Keychain, error) {
	files := make([]string, 0, len(b.Plan.Run.Publish.TokenFiles))
	for host, file := range b.Plan.Run.Publish.TokenFiles {
		files = append(files, host+"="+file)
	}
	return auth.Keychain(auth.Options{Getenv: p.getenv, Environ: p.Env, Targets: targets, TokenFiles: files})
}

// getenv answers from the environment: the last entry of a name holds.
func (p *Pipeline) getenv(name string) string { return process.Getenv(p.Env, name) }

// place brings an image to where a target on this machine says. An archive is made anew.
func (p *Pipeline) place(where string, one publish.Publication) (publish.Result, error) {
	kind, path, _ := config.Local(where)
	if kind == config.LayoutTarget {
		return publish.Layout(path, one)
	}
	dir, err := os.MkdirTemp("", "slipway-archive-")
	if err != nil {
		return publish.Result{}, fmt.Errorf("making a folder for the archive: %w", err)
	}
	defer os.RemoveAll(dir)
	r, err := publish.Layout(dir, one)
	if err == nil {
		err = output.Tar(path, dir)
	}
	r.Repository = where
	return r, err
}

// planPlace finds out what place would do.
func (p *Pipeline) planPlace(where string, one publish.Publication) (publish.Result, error) {
	kind, path, _ := config.Local(where)
	if kind != config.LayoutTarget {
		path = ""
	}
	steps, r, err := publish.PlanLayout(path, one)
	for i := range steps {
		steps[i].Repository = where
	}
	p.tell(steps)
	r.Repository = where
	return r, err
}
