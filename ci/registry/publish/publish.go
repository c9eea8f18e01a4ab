// Package publish brings images into repositories as one transaction: everything that
// a tag will point to is in every registry, read back and attested, before the first
// tag moves anywhere. Whatever interrupts it, running it again goes on.
package publish

import (
	"context"
	"errors"
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/registry"
	"example.com/slipway/ci/step"
)

// Publication is one image for one repository.
type Publication struct {
	Repository *registry.Repository
	Index      v1.ImageIndex
	// Attachments are attached in their order, each to the index or one of its images.
	Attachments []Attachment
	// Created is written into what is attached. It is the epoch of the image, so that
	// the same attestation is the same manifest.
	Created time.Time
	// Attach says what a failure to attach means.
	Attach Policy
	Tags   []Tag
}

// Attachment is one thing that is said of the index or of one of its images.
type Attachment struct {
	// Subject is the digest of what it is said of.
	Subject                  string
	PredicateType, MediaType string
	// Signer names who signs it, or is empty.
	Signer string
	// Document makes it. It is asked only where the subject has none of that type by that
	// signer yet: times and signatures make each a little different from the last.
	Document func() (attest.Document, error)
}

// Policy says what a failure means.
type Policy int

// The policies.
const (
	// Fail ends the transaction before any tag moves.
	Fail Policy = iota
	// Warn is a note in the result.
	Warn
)

// Tag is a name that shall point to the image.
type Tag struct {
	Name string
	// Moving tags follow releases or branches. A tag that does not is never changed,
	// unless Overwrite says so.
	Moving, Overwrite bool
	// Move decides with the tags that the repository has whether a moving tag moves,
	// and why not. The default is that it does. It is asked only where the tag points
	// elsewhere or is absent.
	Move func(existing []string) (move bool, reason string)
}

// State is how far a publication came.
type State string

// The states.
const (
	// Planned is what would be done: nothing was.
	Planned State = "planned"
	// Published is complete.
	Published State = "published"
	// Unchanged was complete before.
	Unchanged State = "unchanged"
	// Incomplete ended before its last tag.
	Incomplete State = "incomplete"
)

// Result is what became of a publication. It is told also beside an error.
type Result struct {
	Repository string
	// Digest is the index's.
	Digest       string
	State        State
	Tags         []TagResult
	Attestations []Attestation
	// Referrers is how the registry keeps attestations, if it was asked.
	Referrers registry.Mode
	// Uploaded, Mounted and Present count blobs, Bytes are those that were sent.
	Uploaded, Mounted, Present int
	Bytes                      int64
	// Notes are failures that the policy lets pass.
	Notes []string
}

// TagResult is what became of a tag.
type TagResult struct {
	Name   string
	Moving bool
	// Before is the digest that it pointed to, or empty.
	Before  string
	Outcome TagOutcome
	// Why says why it was kept.
	Why string
}

// TagOutcome is what became of a tag.
type TagOutcome string

// The outcomes of a tag.
const (
	TagCreated   TagOutcome = "created"
	TagMoved     TagOutcome = "moved"
	TagUnchanged TagOutcome = "unchanged"
	// TagKept stays where it is because Move said so.
	TagKept TagOutcome = "kept"
	// TagOpen was not reached.
	TagOpen TagOutcome = "open"
)

// Attestation is what became of an attachment.
type Attestation struct {
	Subject       string
	PredicateType string
	// Digest is that of its manifest.
	Digest string
	// Outcome is attached, present, failed, or open if it was not reached.
	Outcome string
	Why     string
}

// RaceError says that somebody else moved a tag at the same time.
type RaceError struct {
	Repository, Tag string
	// Ours is the digest that was published and is there, Theirs what the tag has.
	Ours, Theirs string
}

func (e *RaceError) Error() string {
	return fmt.Sprintf("the tag %s of %s points to %s and not to %s", e.Tag, e.Repository, e.Theirs, e.Ours)
}

func (e *RaceError) fault() error {
	return fault.New(fault.Registry, "moving the tag %s of %s: somebody else moved it to %s at the same time; %s is there, without that tag",
		e.Tag, e.Repository, orNothing(e.Theirs), e.Ours).WithCause(e).
		WithFix("look which of the two it shall be, and run it again if it is this one")
}

func orNothing(digest string) string {
	if digest == "" {
		return "nothing"
	}
	return digest
}

// TakenError says that a tag which never changes points to something else.
type TakenError struct {
	Repository, Tag string
	Ours, Theirs    string
}

func (e *TakenError) Error() string {
	return fmt.Sprintf("the tag %s of %s is %s and not %s", e.Tag, e.Repository, e.Theirs, e.Ours)
}

func (e *TakenError) fault() error {
	return fault.New(fault.Registry, "publishing %s:%s as %s: the tag already is %s, and a version is published once",
		e.Repository, e.Tag, e.Ours, e.Theirs).WithCause(e).
		WithFix("publish under a new version")
}

// Run publishes. Results are in the order of the publications, and are complete as
// far as it came also beside an error.
func Run(ctx context.Context, to step.Reporter, publications ...Publication) ([]Result, error) {
	all, err := prepare(publications)
	if err != nil {
		return nil, err
	}
	for _, phase := range []struct {
		name string
		run  func(*publication, context.Context, step.Step) (string, error)
	}{
		{"look at", (*publication).look},
		{"push", (*publication).push},
		{"attest", (*publication).attest},
		{"tag", func(p *publication, ctx context.Context, _ step.Step) (string, error) { return p.tag(ctx, false) }},
		{"move", func(p *publication, ctx context.Context, _ step.Step) (string, error) { return p.tag(ctx, true) }},
	} {
		if err = each(ctx, to, all, phase.name, phase.run); err != nil {
			break
		}
	}
	return results(all, err), err
}

// each runs one phase for every publication, and the next phase begins when all are
// through it.
func each(ctx context.Context, to step.Reporter, all []*publication, phase string,
	run func(*publication, context.Context, step.Step) (string, error)) error {
	for _, p := range all {
		if !p.needs(phase) {
			continue
		}
		err := step.Run(to, phase+" "+p.Repository.String(), func(s step.Step) (string, error) { return run(p, ctx, s) })
		for _, note := range p.fresh() {
			to.Note(note)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func results(all []*publication, err error) []Result {
	list := make([]Result, len(all))
	for i, p := range all {
		list[i] = p.finish(err)
	}
	return list
}

func prepare(publications []Publication) ([]*publication, error) {
	var all []*publication
	for _, one := range publications {
		p, err := read(one, one.Repository.String())
		if err != nil {
			return nil, err
		}
		for _, other := range all {
			if other.Repository.Registry() == p.Repository.Registry() {
				p.others = append(p.others, other)
			}
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		return nil, errors.New("publishing: there is nothing to publish")
	}
	return all, nil
}
