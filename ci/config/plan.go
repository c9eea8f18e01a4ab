package config

import (
	"slices"
	"strings"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/project"
	"example.com/slipway/ci/tag"
)

// Plan is both halves and where each value came from.
type Plan struct {
	// Image is what all images of the run have in common. Images are they themselves:
	// one, or one for each main.
	Image   plan.Image        `json:"-"`
	Images  []plan.Image      `json:"images"`
	Run     plan.Run          `json:"run"`
	Origins map[string]Origin `json:"origins"`
	Notes   []string          `json:"notes,omitempty"`
	// Tags are those of Run, with what says when they may move. Untagged says why there
	// are none, where there should be some; publish ends with it.
	Tags     []tag.Tag `json:"-"`
	Untagged error     `json:"-"`
	// AllPlatforms says that the base decides the platforms.
	AllPlatforms bool `json:"-"`
	// Typed are what flags and variables said.
	Typed map[string][]string `json:"-"`
	// Set are the -X settings that the user said.
	Set map[string]string `json:"-"`

	said map[string]Origin
	// rules and refs are what Tags follow from, with the version.
	rules []tag.Rule
	refs  project.Refs
}

// Clone is a plan that can be changed by itself, as SetBase and MarkDirty do.
func (p *Plan) Clone() *Plan {
	own := *p
	own.Images = slices.Clone(p.Images)
	for i := range own.Images {
		own.Images[i].Build.Vars = slices.Clone(own.Images[i].Build.Vars)
	}
	return &own
}

// SetBase says which base there really is, and with it the platforms where the base
// decides them.
func (p *Plan) SetBase(pin plan.Pin, platforms []plan.Platform) {
	for i := range p.Images {
		p.Images[i].Base = pin
		if p.AllPlatforms {
			p.Images[i].Platforms = platforms
		}
	}
}

// Said tells whether a user said a value, in whatever place.
func (p *Plan) Said(name string) bool {
	_, said := p.said[name]
	return said
}

// MarkDirty says that a source file of an image differs from the commit: the version
// gets Go's own suffix for that, unless the user said a version, and the tags of the
// version and the commit go.
func (p *Plan) MarkDirty(img *plan.Image) {
	img.Dirty = true
	if p.Said("version") || img.Version == "" {
		return
	}
	clean := img.Version
	img.Version += "+dirty"
	p.Run.Policy.Product = product(*img)
	p.setTags(img.Version)
	for i, v := range img.Build.Vars {
		if v == (plan.Var{Name: "main.version", Value: clean}) {
			img.Build.Vars[i].Value = img.Version
		}
	}
}

// fromFile tells whether the source itself said a value.
func (p *Plan) fromFile(name string) bool {
	return strings.HasPrefix(string(p.said[name]), FileName+":")
}

func (p *Plan) wrong(name, value, want string) error {
	return fault.New(fault.Usage, "%s: %q is not a value for %s", p.place(name), value, name).WithFix("want %s", want)
}

func (p *Plan) wrongErr(name string, err error) error {
	return fault.New(fault.Usage, "%s: %v", p.place(name), err).WithFix("--help shows the form of %s", name)
}

func (p *Plan) place(name string) string {
	if o, ok := p.Origins[name]; ok {
		return string(o)
	}
	return name
}
