package inspect

import (
	"fmt"
	"slices"
	"strings"

	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/step"
)

// DefaultBudget is what an image may have in bytes, compressed.
const DefaultBudget = 15_000_000

// Severity is how much a finding matters.
type Severity string

// The severities. High is what an attacker can use as it is, or an image that does
// not run; Medium is what helps an attacker, or fails in use; Low is a habit.
const (
	High   Severity = "high"
	Medium Severity = "medium"
	Low    Severity = "low"
)

// Finding is one rule that one image does not keep.
type Finding struct {
	// ID names the rule and never changes.
	ID       string        `json:"id"`
	Severity Severity      `json:"severity"`
	Platform plan.Platform `json:"platform"`
	// What is a clause in lower case without a final stop, Fix another.
	What string `json:"what"`
	Fix  string `json:"fix"`
	// Paths are the files that the finding is about, the first of them.
	Paths []string `json:"paths,omitempty"`
}

// Policy is what an image is held against.
type Policy struct {
	// Budget is the largest compressed size in bytes. The default is DefaultBudget;
	// below zero there is none.
	Budget int64
}

func (p Policy) budget() int64 {
	if p.Budget == 0 {
		return DefaultBudget
	}
	return p.Budget
}

// Judge holds each image of a report against the rules. An image that keeps them
// all has no finding. Findings are in the order of the images and rules.
func Judge(r *Report, p Policy) []Finding {
	found := []Finding{}
	for i := range r.Images {
		j := &judge{img: &r.Images[i], policy: p}
		j.size()
		j.platform()
		if j.img.Platform.OS != "linux" {
			j.add("unjudged", Medium, fmt.Sprintf("it is for %s, and the rules for files are those of Linux", show(j.img.Platform)),
				"judge it by the means of its own system")
		} else {
			j.user()
			j.files()
			j.entrypoint()
			j.certificates()
			j.zones()
		}
		j.expected()
		j.leaks()
		found = append(found, j.found...)
	}
	return found
}

// judge is the judgement of one image.
type judge struct {
	img    *Image
	policy Policy
	found  []Finding
}

func (j *judge) add(id string, s Severity, what, fix string, paths ...string) {
	j.found = append(j.found, Finding{ID: id, Severity: s, Platform: j.img.Platform, What: what, Fix: fix, Paths: paths})
}

// list adds a finding for paths, if there are any.
func (j *judge) list(id string, s Severity, l Listing, what, fix string) {
	if l.Count == 0 {
		return
	}
	j.add(id, s, what+": "+l.brief(), fix, l.Paths...)
}

// brief names the first three paths.
func (l Listing) brief() string {
	shown := l.Paths[:min(3, len(l.Paths))]
	text := strings.Join(shown, ", ")
	if more := l.Count - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func show(p plan.Platform) string {
	if p.OS == "" && p.Arch == "" {
		return "an unknown platform"
	}
	return p.String()
}

func (j *judge) size() {
	budget, img := j.policy.budget(), j.img
	switch {
	case budget < 0 || img.Compressed <= budget || img.Inflated && img.Unpacked <= budget:
	case img.Inflated:
		j.add("size-unjudged", Low, fmt.Sprintf("the archive has its layers uncompressed, %s, so that their size in a registry is not known", step.Size(img.Unpacked)),
			"inspect the OCI layout, or the image in the registry")
	default:
		j.add("size-budget", High, fmt.Sprintf("it has %s compressed, %s more than its budget of %s",
			step.Size(img.Compressed), step.Size(img.Compressed-budget), step.Size(budget)),
			"look at the largest modules and layers, or set a larger budget")
	}
}

func (j *judge) platform() {
	if listed := j.img.Listed; listed != nil && *listed != j.img.Platform {
		j.add("platform-mismatch", High, fmt.Sprintf("its index says %s and its configuration %s", show(*listed), show(j.img.Platform)),
			"build the image again with one platform in both")
	}
}

func (j *judge) user() {
	u, said := j.img.User, j.img.Config.User
	switch {
	case !u.Known:
		j.add("user-unknown", High, fmt.Sprintf("the image has no user or group %q", said), "set a number, for example 65532:65532")
	case u.UID == 0:
		j.add("user-root", High, "it runs as root", "set a user that is a number other than 0, for example 65532:65532")
	case !u.Numeric:
		j.add("user-name", Low, fmt.Sprintf("its user is the name %q, which Kubernetes' runAsNonRoot cannot tell from root", said),
			fmt.Sprintf("set the number, %d", u.UID))
	}
}

func (j *judge) files() {
	f := j.img.Files
	j.list("shell", Medium, f.Shells, "it has a shell", "stand on a base without one, for example distroless static")
	j.list("setuid", High, f.Setuid, "files that run as their owner or group", "take the setuid and setgid bits away, or the files")
	j.list("world-writable", Medium, f.Writable, "everybody may write to", "take the permission away; only /tmp and /var/tmp with the sticky bit may have it")
}

func (j *judge) entrypoint() {
	e := j.img.Entrypoint
	switch {
	case e.Path == "":
		j.add("entrypoint-none", High, "it has no entrypoint", "set the program's absolute path as entrypoint")
		return
	case !e.Absolute:
		j.add("entrypoint-relative", Medium, fmt.Sprintf("its entrypoint %q is no absolute path, so that PATH or the folder decides what runs", e.Path),
			"set the absolute path")
	}
	switch {
	case !e.Exists:
		j.add("entrypoint-missing", High, fmt.Sprintf("its entrypoint %q is not in the image", e.Path), "add the program, or correct the path")
	case !e.Regular:
		j.add("entrypoint-irregular", High, fmt.Sprintf("its entrypoint %q is no file", e.Path), "set the path of the program itself")
	case !e.Executable:
		j.add("entrypoint-not-executable", High, fmt.Sprintf("its user may not run its entrypoint %q", e.Path),
			"let everybody run the file and enter the folders above it")
	default:
		j.program()
	}
}

// program judges the file that the entrypoint is.
func (j *judge) program() {
	p := j.img.entry()
	switch {
	case p == nil:
		j.add("binary-not-elf", High, fmt.Sprintf("its entrypoint %q is no ELF program, so that something else has to run it", j.img.Entrypoint.Path),
			"build a static program")
	case p.Unread != "":
		j.add("binary-unread", High, fmt.Sprintf("its entrypoint %q was not looked into: %s", p.Path, p.Unread), "build the program again")
	default:
		if p.Arch != j.img.Platform.Arch {
			j.add("binary-architecture", High, fmt.Sprintf("its entrypoint %q is for %s and the image for %s", p.Path, p.Arch, show(j.img.Platform)),
				"build the program for the image's platform")
		}
		if !p.Static {
			j.add("binary-dynamic", Medium, fmt.Sprintf("its entrypoint %q needs %s", p.Path, strings.Join(append(nonEmpty(p.Interpreter), p.Needed...), ", ")),
				"build it with CGO_ENABLED=0 and without -buildmode=pie")
		}
	}
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// entry is the program that the entrypoint is, or nil.
func (img *Image) entry() *Program {
	i := slices.IndexFunc(img.Programs, func(p Program) bool { return p.Entrypoint })
	if i < 0 {
		return nil
	}
	return &img.Programs[i]
}

// has tells whether the entrypoint has code of a package.
func (img *Image) has(pkg string) bool {
	p := img.entry()
	return p != nil && p.Go != nil && slices.ContainsFunc(p.Go.Packages, func(w Weight) bool { return w.Name == pkg })
}
