package report

import (
	"strings"

	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/receipt"
)

// published writes what to pull, and before it why a repository has not all of it.
func (m *markdown) published() {
	all := publications(m.r)
	if len(all) == 0 {
		return
	}
	shown := all[:min(len(all), maxPublications)]
	m.add("### " + publishedTitle(m.r) + "\n\n")
	for _, p := range shown {
		m.unfinished(p)
	}
	if isPlanned(m.r) {
		m.add(dryRun + "\n\n")
	}
	m.add(head("Image", "State", "Blobs"))
	for _, p := range shown {
		state := prose(string(p.State))
		if p.State == receipt.Incomplete {
			state = "**" + state + "**"
		}
		m.add(row(code(reference(p)), state, prose(sent(p))))
	}
	m.add("\n" + left(len(all)-maxPublications, "publication"))
	m.pulls(shown)
	m.tags(shown)
	m.attested(shown)
}

func (m *markdown) unfinished(p receipt.Publication) {
	why := unfinished(p)
	if why == "" {
		return
	}
	m.add("**" + code(p.Repository) + " is incomplete:** " + prose(sentences(why)))
	if fix := clean(p.Fix); fix != "" {
		m.add("<br>**Fix:** " + prose(fix))
	}
	m.add("<br>" + again + "\n\n")
}

// pulls are the commands that take what was published.
func (m *markdown) pulls(all []receipt.Publication) {
	var commands []string
	for _, p := range all {
		if command := pull(p); command != "" {
			commands = append(commands, command)
		}
	}
	if len(commands) > 0 {
		m.add(fenced(commands...))
	}
}

// tags is a table of tags by what became of them.
func (m *markdown) tags(all []receipt.Publication) {
	var rows []string
	for _, p := range all {
		name := code(p.Repository)
		groups, more := tagGroups(p)
		for _, g := range groups {
			var names []string
			for _, tag := range g.Tags {
				names = append(names, code(tag))
			}
			why := prose(g.Why)
			if g.From != "" {
				why = strings.TrimSpace("from " + code(g.From) + " " + why)
			}
			rows = append(rows, row(name, prose(g.Done), strings.Join(names, ", "), why))
			name = ""
		}
		if more > 0 {
			rows = append(rows, row(name, "", "and "+plain.Count(more, "more tag"), ""))
		}
	}
	m.rows(rows, "Repository", "Outcome", "Tags", "")
}

func (m *markdown) attested(all []receipt.Publication) {
	var rows []string
	for _, p := range all {
		said := prose(attested(p))
		if p.Referrers == "tag" {
			said = strings.TrimPrefix(said+"<br>Kept "+tagReferrers, "<br>")
		}
		if said != "" {
			rows = append(rows, row(code(p.Repository), said))
		}
		for _, failed := range unattached(m.r, p) {
			rows = append(rows, row("", "**failed** "+prose(failed)))
		}
	}
	m.rows(rows, "Repository", "Attestations")
}

// rows adds a table that has rows.
func (m *markdown) rows(rows []string, titles ...string) {
	if len(rows) == 0 {
		return
	}
	m.add(head(titles...))
	for _, row := range rows {
		m.add(row)
	}
	m.add("\n")
}
