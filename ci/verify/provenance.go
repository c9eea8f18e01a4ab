package verify

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/attest/provenance"
	"example.com/slipway/ci/attest/purl"
	"example.com/slipway/ci/config"
	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/plan"
)

// Origin is what a provenance says that holds.
type Origin struct {
	Builder string `json:"builder"`
	// Source is the address of the repository, and Commit a commit of it.
	Source string `json:"source,omitempty"`
	Commit string `json:"commit,omitempty"`
	// Built is when the build began.
	Built *time.Time `json:"built,omitempty"`
	Plan  plan.Image `json:"plan"`
}

// provenance says where the image comes from, if that is proved: by a statement of
// somebody who counts, about these images, whose plan is in their labels and whose
// toolchain and modules are in their programs.
func (v *verification) provenance() *Origin {
	r := v.report
	if v.said.nobody {
		r.skipped(CheckProvenance, "nobody said whose word counts")
		return nil
	}
	list := v.said.of(attest.Provenance, r.Digest)
	var wrong []string
	for _, s := range list {
		p, err := provenance.Parse(s.Statement)
		if err != nil {
			wrong = append(wrong, clause(err))
			continue
		}
		if why := v.holds(s.Statement, p); len(why) > 0 {
			wrong = append(wrong, why...)
			continue
		}
		origin := originOf(p)
		r.Origin = origin
		r.passed(CheckProvenance, "%s%s", origin, v.doubt())
		return origin
	}
	switch {
	case len(list) > 0:
		r.failed(CheckProvenance, "find out who published it, and from what: it is not what was expected", wrong...)
	case !v.Trust.Requires(config.RequireProvenance) && v.Build == nil:
		r.skipped(CheckProvenance, "the policy does not ask for one")
	default:
		r.failed(CheckProvenance, "publish it again with Slipway, which says how it was built", "nobody who counts says how it was built; "+v.said.why())
	}
	return nil
}

func originOf(p *provenance.Provenance) *Origin {
	e := p.Definition.External
	return &Origin{Builder: p.Details.Builder.ID, Source: e.Source.Repository, Commit: e.Source.Commit, Built: p.Details.Metadata.Started, Plan: e.Plan}
}

// String says it in a sentence.
func (o *Origin) String() string {
	from := "files that are in no commit"
	if o.Commit != "" {
		from = "the commit " + o.Commit
		if o.Plan.Dirty {
			from = "files that differ from the commit " + o.Commit
		}
	}
	if o.Source != "" {
		from += " of " + o.Source
	}
	return fmt.Sprintf("built from %s with %s by %s", from, o.Plan.Toolchain, o.Builder)
}

// holds says in what a provenance is not that of the image, or not the expected one.
func (v *verification) holds(s *attest.Statement, p *provenance.Provenance) []string {
	var wrong []string
	note := func(format string, args ...any) { wrong = append(wrong, brief(fmt.Sprintf(format, args...))) }
	v.expected(p, note)
	image := p.Definition.External.Plan
	unseen := slices.Clone(image.Platforms)
	for _, one := range v.chain.images {
		if !s.Is(one.digest.String()) {
			note("it is not about the image for %s", one.platform)
		}
		hash := p.PlanHash(one.platform)
		switch {
		case hash == "":
			note("its plan does not have %s", one.platform)
		case one.config != nil && hash != one.label:
			note("its plan for %s has the hash %s, and the image's label says %q", one.platform, hash, one.label)
		}
		unseen = slices.DeleteFunc(unseen, func(p plan.Platform) bool { return p == one.platform })
		if one.seen != nil {
			programs(image, one, note)
		}
	}
	for _, platform := range unseen {
		note("its plan has %s, and the index does not", platform)
	}
	v.taken(p, note)
	return wrong
}

// expected holds a provenance against what the user said.
func (v *verification) expected(p *provenance.Provenance, note func(string, ...any)) {
	t := v.Trust
	source := p.Definition.External.Source
	if id := p.Details.Builder.ID; len(t.Builders) > 0 && !slices.Contains(t.Builders, id) {
		note("it was built by %s, not by %s", id, strings.Join(t.Builders, " or "))
	}
	same := func(said string) bool {
		return source.Repository != "" && provenance.Repository(said) == source.Repository
	}
	if len(t.Sources) > 0 && !slices.ContainsFunc(t.Sources, same) {
		note("it was built from %s, not from %s", cmp.Or(source.Repository, "a repository without an address"), strings.Join(t.Sources, " or "))
	}
	switch {
	case t.Commit == "":
	case t.Commit != source.Commit:
		note("it was built from the commit %s, not from %s", cmp.Or(source.Commit, "of nobody"), t.Commit)
	case source.Dirty:
		note("it was built from files that differ from the commit %s", t.Commit)
	}
}

// programs compares a plan with what the linker wrote into the programs of an image.
func programs(image plan.Image, one child, note func(string, ...any)) {
	for _, m := range image.Mains {
		path := "/" + m.Path()
		at := slices.IndexFunc(one.seen.Programs, func(p inspect.Program) bool { return p.Path == path })
		if at < 0 || one.seen.Programs[at].Go == nil {
			note("its plan has a program %s, and the image for %s has no Go program there", path, one.platform)
			continue
		}
		g := one.seen.Programs[at].Go
		if release, _, _ := strings.Cut(g.Version, " "); release != image.Toolchain {
			note("its plan builds with %s, and %s for %s was built with %s", image.Toolchain, path, one.platform, release)
		}
		if g.Package != m.Package {
			note("its plan builds %s, and %s for %s is %s", m.Package, path, one.platform, g.Package)
		}
	}
}

// taken compares what a provenance says that the build took with its plan, and with the
// modules in the programs.
func (v *verification) taken(p *provenance.Provenance, note func(string, ...any)) {
	image := p.Definition.External.Plan
	said := map[string]provenance.Resource{}
	got := map[string]bool{}
	for _, d := range p.Definition.Dependencies {
		if strings.HasPrefix(d.URI, "pkg:golang/") && d.Name != "toolchain" {
			got[d.URI] = true
			continue
		}
		said[d.Name] = d
	}
	for name, pin := range map[string]plan.Pin{"base": image.Base, "builder": image.Builder} {
		if _, hex, _ := strings.Cut(pin.Digest, ":"); said[name].Digest["sha256"] != hex {
			note("it took another %s than its plan says, %s", name, pin)
		}
	}
	if said["toolchain"].URI != purl.Stdlib(image.Toolchain) {
		note("it took another toolchain than its plan says, %s", image.Toolchain)
	}
	if v.seen == nil {
		return
	}
	want := map[string]bool{}
	for _, one := range v.chain.images {
		for _, program := range one.seen.Programs {
			if program.Go == nil {
				continue
			}
			for _, d := range program.Go.Dependencies {
				// A folder of the source's own is named by none.
				if uri := purl.Go(d.Path, d.Version); uri != "" && d.Version != "" {
					want[uri] = true
				}
			}
		}
	}
	for _, uri := range slices.Sorted(maps.Keys(want)) {
		if !got[uri] {
			note("it does not say that it took %s, which is in a program", uri)
		}
		delete(got, uri)
	}
	for _, uri := range slices.Sorted(maps.Keys(got)) {
		note("it says that it took %s, which is in no program", uri)
	}
}
