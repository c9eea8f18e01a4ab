package publish

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/step"
)

// look reads what every tag points to, before anything is written.
func (p *publication) look(ctx context.Context, _ step.Step) (string, error) {
	list := sync.OnceValues(func() ([]string, error) { return p.Repository.Tags(ctx) })
	for i, tag := range p.Tags {
		before, err := p.pointsTo(ctx, tag.Name)
		if err != nil {
			return "", err
		}
		if err := p.decide(i, tag, before, list); err != nil {
			return "", err
		}
	}
	return p.seen(), nil
}

// decide says what is to be done with a tag that points to something, or to nothing.
// The tags that there are are listed only where one that moves needs to know.
func (p *publication) decide(i int, tag Tag, before string, list func() ([]string, error)) error {
	r := &p.result.Tags[i]
	switch r.Before = before; {
	case before == p.result.Digest:
		r.Outcome = TagUnchanged
	case !tag.Moving && !tag.Overwrite && before != "":
		return p.taken(tag.Name, before).fault()
	case tag.Moving && tag.Move != nil:
		existing, err := list()
		if err != nil {
			return err
		}
		if move, why := tag.Move(existing); !move {
			r.Outcome, r.Why = TagKept, why
		}
	}
	return nil
}

func (p *publication) pointsTo(ctx context.Context, tag string) (string, error) {
	d, found, err := p.Repository.Head(ctx, tag)
	if err != nil || !found {
		return "", err
	}
	return d.Digest.String(), nil
}

func (p *publication) taken(tag, theirs string) *TakenError {
	return &TakenError{Repository: p.result.Repository, Tag: tag, Ours: p.result.Digest, Theirs: theirs}
}

// seen says what the tags are.
func (p *publication) seen() string {
	count := map[TagOutcome]int{}
	for _, t := range p.result.Tags {
		count[t.Outcome]++
	}
	var parts []string
	if n := count[TagUnchanged]; n > 0 {
		parts = append(parts, fmt.Sprintf("%s there", step.Count(n, "tag")))
	}
	if n := count[TagOpen]; n > 0 {
		parts = append(parts, fmt.Sprintf("%s to set", step.Count(n, "tag")))
	}
	if n := count[TagKept]; n > 0 {
		parts = append(parts, fmt.Sprintf("%s to leave", step.Count(n, "tag")))
	}
	return strings.Join(parts, ", ")
}

// tag sets the tags that are open, either those that move or those that do not.
func (p *publication) tag(ctx context.Context, moving bool) (string, error) {
	var names []string
	for i, t := range p.Tags {
		if t.Moving != moving || p.result.Tags[i].Outcome != TagOpen {
			continue
		}
		if err := p.set(ctx, &p.result.Tags[i]); err != nil {
			return "", err
		}
		names = append(names, t.Name)
	}
	return strings.Join(names, ", "), nil
}

// set makes a tag point to the index. A registry has no way to do that on a condition:
// it is read right before and right after.
func (p *publication) set(ctx context.Context, r *TagResult) error {
	now, err := p.pointsTo(ctx, r.Name)
	switch {
	case err != nil:
		return err
	case now == p.result.Digest:
		r.Outcome = TagUnchanged
		return nil
	case now != r.Before && !r.Moving:
		return p.taken(r.Name, now).fault()
	case now != r.Before:
		return p.race(r.Name, now).fault()
	}
	p.touched = true
	if err := p.Repository.Put(ctx, r.Name, p.index, p.resendImages); err != nil {
		return p.untagged(err)
	}
	after, err := p.pointsTo(ctx, r.Name)
	if err != nil {
		return err
	}
	switch after {
	case p.result.Digest:
	case "":
		return fault.New(fault.Registry, "reading back the tag %s of %s: the registry took it and does not have it", r.Name, p.Repository).
			WithFix("look into the registry's log, and run it again")
	default:
		return p.race(r.Name, after).fault()
	}
	if r.Outcome = TagMoved; r.Before == "" {
		r.Outcome = TagCreated
	}
	return nil
}

// untagged says what is there although a tag could not be set.
func (p *publication) untagged(err error) error {
	told, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	return fault.New(told.Kind, "%s; %s is there, without that tag", told.What, p.result.Digest).WithDetail(told.Detail...).WithFix("%s", told.Fix).WithCause(err)
}

func (p *publication) race(tag, theirs string) *RaceError {
	return &RaceError{Repository: p.result.Repository, Tag: tag, Ours: p.result.Digest, Theirs: theirs}
}

// needs tells whether a phase has anything to do, as far as is known.
func (p *publication) needs(phase string) bool {
	switch phase {
	case "push":
		// A tag that points to the index already was moved when all of it was there.
		return !p.isTagged()
	case "attest":
		return len(p.Attachments) > 0
	case "tag", "move":
		for _, t := range p.result.Tags {
			if t.Outcome == TagOpen && t.Moving == (phase == "move") {
				return true
			}
		}
		return false
	}
	return true
}

func (p *publication) isTagged() bool {
	for _, t := range p.result.Tags {
		if t.Outcome == TagUnchanged {
			return true
		}
	}
	return false
}

// finish completes the result.
func (p *publication) finish(err error) Result {
	r := p.result
	r.Referrers = p.Repository.ReferrersMode()
	switch {
	case err != nil && !p.isComplete():
	case p.touched:
		r.State = Published
	default:
		r.State = Unchanged
	}
	return r
}

func (p *publication) isComplete() bool {
	for _, t := range p.result.Tags {
		if t.Outcome == TagOpen {
			return false
		}
	}
	for _, a := range p.result.Attestations {
		if a.Outcome == open {
			return false
		}
	}
	return len(p.result.Tags) > 0
}

// fresh are the notes that were not told yet.
func (p *publication) fresh() []string {
	notes := p.result.Notes[p.told:]
	p.told = len(p.result.Notes)
	return notes
}
