package tag

// defaults are the rules that hold when nobody says any.
func defaults() []Rule {
	semver := func(c condition, pattern ...part) Rule {
		return standard(c, Rule{kind: "semver", pattern: pattern, text: "type=semver,pattern=" + template(pattern).String()})
	}
	major, minor := part{expression: "major"}, part{expression: "minor"}
	literal := func(text string) template { return template{{literal: text}} }
	return []Rule{
		semver(always, wholeVersion()...),
		semver(releases, major, part{literal: "."}, minor),
		semver(stable, major),
		standard(releases, Rule{kind: "raw", value: literal("latest"), text: "type=raw,value=latest"}),
		standard(unreleased, Rule{kind: "ref", event: "branch", text: "type=ref,event=branch"}),
		standard(unreleased, Rule{kind: "ref", event: "pr", prefix: literal("pr-"), text: "type=ref,event=pr"}),
		standard(unreleased, Rule{kind: "sha", prefix: literal("sha-"), text: "type=sha"}),
	}
}

func standard(c condition, r Rule) Rule {
	r.enabled, r.priority, r.condition = true, kinds[r.kind].priority, c
	return r
}
