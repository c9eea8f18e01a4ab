package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/step"
)

// Bounds on what is shown of publishing. The receipt has all of it.
const (
	maxPublications = 50
	maxTags         = 200
	maxAttestations = 500
	// maxNames bounds names in a sentence: of signers, of kinds and of repositories.
	maxNames = 6
)

// Sentences of publications.
const (
	again        = "What is there stays: slipway publish goes on from it when it runs again."
	dryRun       = "This is a dry run: nothing was pushed. It shows what would be done."
	tagReferrers = "under a tag, because the registry has no referrers API"
)

// publishing says in a clause what reached the registries, and is empty where a run was
// not to publish.
func publishing(r *receipt.Receipt) string {
	by := map[receipt.PublicationState][]string{}
	for _, p := range r.Run.Publications {
		by[p.State] = append(by[p.State], clean(p.Repository))
	}
	var parts []string
	for _, of := range []struct {
		state receipt.PublicationState
		word  string
	}{{receipt.Published, "published to"}, {receipt.Unchanged, "unchanged in"}, {receipt.Incomplete, "incomplete in"}} {
		n := len(by[of.state])
		switch {
		case n == 0:
			continue
		case len(parts) > 0:
			parts = append(parts, fmt.Sprintf("%s %d", of.word, n))
		default:
			parts = append(parts, of.word+" "+repositories(n))
		}
	}
	if names := by[receipt.Incomplete]; len(names) > 0 {
		parts[len(parts)-1] += " (" + some(names) + ")"
	}
	if len(by[receipt.Planned]) > 0 {
		parts = append(parts, "a dry run, so that nothing was published")
	}
	if len(parts) == 0 && r.Verdict == receipt.Unpublished {
		return "nothing was published"
	}
	return strings.Join(parts, ", ")
}

// publishedTitle is that of the section on publications.
func publishedTitle(r *receipt.Receipt) string {
	by := map[receipt.PublicationState]int{}
	for _, p := range r.Run.Publications {
		by[p.State]++
	}
	switch all := len(r.Run.Publications); {
	case by[receipt.Planned] > 0:
		return "To publish"
	case by[receipt.Incomplete] == all:
		return "Not published"
	case by[receipt.Incomplete] > 0:
		return "Published in part"
	}
	return "Published"
}

// isPlanned tells whether nothing was published because of a dry run.
func isPlanned(r *receipt.Receipt) bool {
	return slices.ContainsFunc(r.Run.Publications, func(p receipt.Publication) bool { return p.State == receipt.Planned })
}

func repositories(n int) string {
	if n == 1 {
		return "1 repository"
	}
	return fmt.Sprintf("%d repositories", n)
}

// some joins the first of several names.
func some(names []string) string {
	if more := len(names) - maxNames; more > 0 {
		names = append(slices.Clone(names[:maxNames]), fmt.Sprintf("and %d more", more))
	}
	return strings.Join(names, ", ")
}

// publications are those of a run, and first what is incomplete.
func publications(r *receipt.Receipt) []receipt.Publication {
	list := slices.Clone(r.Run.Publications)
	slices.SortStableFunc(list, func(a, b receipt.Publication) int {
		return cmp.Compare(min(len(unfinished(b)), 1), min(len(unfinished(a)), 1))
	})
	return list
}

// reference is what pulls an image: ghcr.io/team/server@sha256:...
func reference(p receipt.Publication) string {
	if p.Digest == "" {
		return clean(p.Repository)
	}
	return clean(p.Repository) + "@" + clean(p.Digest)
}

// short is the beginning of a digest, long enough to tell it from others.
func short(digest string) string { return cut(clean(digest), len("sha256:")+15) }

// unfinished says why a publication came no further, or nothing where it did.
func unfinished(p receipt.Publication) string {
	if p.State != receipt.Incomplete {
		return ""
	}
	return cmp.Or(clean(p.Fault), "publishing ended before its last tag")
}

// tagGroup are tags of a publication with which the same was done for the same reason.
type tagGroup struct {
	Outcome receipt.TagOutcome
	// Done is the outcome in words, as what would be done in a dry run.
	Done string
	Tags []string
	// From is the digest that moved tags pointed to before.
	From, Why string
}

// tagGroups are in the order of outcomes, and leave out tags above their bound.
func tagGroups(p receipt.Publication) (list []tagGroup, more int) {
	type reason struct{ done, from, why string }
	for _, outcome := range []receipt.TagOutcome{receipt.TagCreated, receipt.TagMoved, receipt.TagUnchanged, receipt.TagKept, receipt.TagOpen} {
		at := map[reason]int{}
		for _, tag := range p.Tags[:min(len(p.Tags), maxTags)] {
			if outcomeOf(p, tag) != outcome {
				continue
			}
			key := reason{done: done(p.State, outcome), why: clean(tag.Why)}
			switch outcome {
			case receipt.TagMoved:
				key.from = clean(tag.Before)
			case receipt.TagOpen:
				key.why = cmp.Or(key.why, "not reached")
			}
			i, known := at[key]
			if !known {
				i = len(list)
				at[key] = i
				list = append(list, tagGroup{Outcome: outcome, Done: key.done, From: key.from, Why: key.why})
			}
			list[i].Tags = append(list[i].Tags, clean(tag.Name))
		}
	}
	return list, max(len(p.Tags)-maxTags, 0)
}

// outcomeOf is what became of a tag, or what would in a dry run, which reaches none.
func outcomeOf(p receipt.Publication, tag receipt.Tag) receipt.TagOutcome {
	switch {
	case p.State != receipt.Planned || tag.Outcome != receipt.TagOpen:
		return tag.Outcome
	case tag.Before == "":
		return receipt.TagCreated
	}
	return receipt.TagMoved
}

func done(state receipt.PublicationState, outcome receipt.TagOutcome) string {
	if state == receipt.Planned {
		switch outcome {
		case receipt.TagCreated:
			return "to create"
		case receipt.TagMoved:
			return "to move"
		}
	}
	return string(outcome)
}

// sent counts blobs: 3 uploaded (3.2 MB), 4 mounted, 2 present.
func sent(p receipt.Publication) string {
	upload, mount := "uploaded", "mounted"
	if p.State == receipt.Planned {
		upload, mount = "to upload", "to mount"
	}
	var parts []string
	if p.Uploaded > 0 {
		parts = append(parts, fmt.Sprintf("%d %s (%s)", p.Uploaded, upload, step.Size(p.Bytes)))
	}
	if p.Mounted > 0 {
		parts = append(parts, fmt.Sprintf("%d %s", p.Mounted, mount))
	}
	if p.Present > 0 {
		parts = append(parts, fmt.Sprintf("%d present", p.Present))
	}
	return strings.Join(parts, ", ")
}

// published are the facts of a publication, each under a word that titles its line.
func published(r *receipt.Receipt, p receipt.Publication) []fact {
	var list []fact
	add := func(name, value string) {
		if value != "" {
			list = append(list, fact{name, value})
		}
	}
	groups, more := tagGroups(p)
	for i, g := range groups {
		if i >= maxDetail {
			more += len(g.Tags)
			continue
		}
		said := strings.Join(g.Tags, ", ")
		if g.From != "" {
			said += " from " + short(g.From)
		}
		add(g.Done, said+headed(": ", g.Why))
	}
	if more > 0 {
		add("tags", "and "+plain.Count(more, "more tag"))
	}
	add(map[bool]string{true: "to attest", false: "attested"}[p.State == receipt.Planned], attested(p))
	failed := unattached(r, p)
	for _, why := range failed[:min(len(failed), maxDetail)] {
		add("failed", why)
	}
	if more := len(failed) - maxDetail; more > 0 {
		add("failed", "and "+plain.Count(more, "more attestation"))
	}
	add("blobs", sent(p))
	if p.Referrers == "tag" {
		add("referrers", tagReferrers)
	}
	return list
}
