package replay

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/step"
)

// Difference is an input in which two runs differ.
type Difference struct {
	Input string `json:"input"`
	// There and Here are its values. Empty is absent, or known by its hash only.
	There string `json:"there,omitempty"`
	Here  string `json:"here,omitempty"`
	// Note says more, for example how much newer a database is.
	Note string `json:"note,omitempty"`
}

// The names of inputs that are more than one place's business.
const (
	inputRelease  = "Go release"
	inputSlipway  = "Slipway"
	inputBuilder  = "builder"
	inputBase     = "base"
	inputModules  = "modules"
	inputDatabase = "database"
)

// input is one value that decides an outcome.
type input struct {
	// value is what is compared, shown what people read, if it is another text.
	value, shown string
}

// inputs are those that have one value in a run. One that the run did not come to is
// not among them.
func inputs(r *receipt.Receipt) map[string]input {
	all := map[string]input{inputSlipway: {value: r.Slipway}}
	if t := r.Run.Toolchain; t != nil {
		all[inputRelease] = input{value: t.Release}
		// A sum is that of a module for one kind of machine, or of an image.
		all["Go sum of "+t.From] = input{value: t.Sum}
	}
	if r.Source != nil {
		all[inputModules] = input{value: r.Source.Modules}
	}
	if len(r.Images) > 0 {
		all[inputBuilder] = input{value: r.Images[0].Plan.Builder.String()}
		all[inputBase] = input{value: r.Images[0].Plan.Base.String()}
	}
	if s := r.Scanner; s != nil {
		all[inputDatabase] = input{value: s.Digest, shown: s.Database + "@" + s.Digest + " of " + s.Updated.UTC().Format(time.DateOnly)}
		all["scanner"] = input{value: s.Name + " " + s.Version}
		all["calls"] = input{value: s.Reach}
	}
	if t := r.Tests; t != nil {
		all["race detector"] = input{value: yes(t.Race)}
	}
	if text, err := json.Marshal(r.Policy); err == nil {
		all["policy"] = input{value: string(text)}
	}
	return all
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// differences are the inputs in which a run differs from a recorded one.
func (r *Record) differences(now *receipt.Receipt) []Difference {
	if r.Receipt == nil {
		list := r.Print.differences(now)
		return append(list, untold(list, settingDifferences(r.Request.Settings, now))...)
	}
	then := r.Receipt
	list := compareInputs(then, now)
	for i := range then.Images {
		for j := range now.Images {
			if then.Images[i].Name == now.Images[j].Name {
				list = append(list, planDifferences(then.Images[i].Plan, now.Images[j].Plan, len(then.Images) > 1)...)
			}
		}
	}
	list = append(list, untold(list, settingDifferences(then.Run.Request.Settings, now))...)
	return append(list, environmentDifferences(then, now)...)
}

// untold leaves out the settings of the pins that are told as inputs.
func untold(told, settings []Difference) []Difference {
	return slices.DeleteFunc(settings, func(d Difference) bool {
		pin := d.Input == "--"+inputBuilder || d.Input == "--"+inputBase
		return pin && slices.ContainsFunc(told, func(t Difference) bool { return "--"+t.Input == d.Input })
	})
}

func compareInputs(then, now *receipt.Receipt) []Difference {
	var list []Difference
	a, b := inputs(then), inputs(now)
	for _, name := range sorted(a) {
		there, here := a[name], b[name]
		if there.value == "" || here.value == "" || there.value == here.value {
			continue
		}
		d := Difference{Input: name, There: there.text(), Here: here.text()}
		if name == inputDatabase {
			d.Note = age(then.Scanner.Updated, now.Scanner.Updated)
		}
		list = append(list, d)
	}
	return list
}

func (i input) text() string {
	if i.shown != "" {
		return i.shown
	}
	return i.value
}

// age says which of two databases is newer.
func age(there, here time.Time) string {
	apart := here.Sub(there)
	switch days := int(apart.Abs().Hours() / 24); {
	case apart == 0:
		return ""
	case days == 0 && apart > 0:
		return "newer here, by less than a day"
	case days == 0:
		return "older here, by less than a day"
	case apart > 0:
		return "newer here, by " + step.Count(days, "day")
	default:
		return "older here, by " + step.Count(days, "day")
	}
}

// planDifferences are the fields in which the plans of an image differ.
func planDifferences(then, now plan.Image, several bool) []Difference {
	var list []Difference
	named := func(d Difference) {
		if several {
			d.Input = then.Name + ": " + d.Input
		}
		list = append(list, d)
	}
	for _, platform := range sorted(then.Sources) {
		if here := now.Sources[platform]; here != "" && here != then.Sources[platform] {
			named(Difference{Input: "sources for " + platform, There: then.Sources[platform], Here: here})
		}
	}
	// Pins and the release are told by themselves, for the first image has those of all.
	told := []string{"sources", "builder", "base", "toolchain"}
	a, b := fields(then), fields(now)
	for _, name := range then.Differences(now) {
		if !slices.Contains(told, name) {
			named(Difference{Input: "plan." + name, There: string(a[name]), Here: string(b[name])})
		}
	}
	return list
}

func fields(i plan.Image) map[string]json.RawMessage {
	var all map[string]json.RawMessage
	if text, err := json.Marshal(i); err == nil {
		_ = json.Unmarshal(text, &all)
	}
	return all
}

// differences is what a token tells: that an input is another one, not which it was.
func (f Fingerprint) differences(now *receipt.Receipt) []Difference {
	var list []Difference
	known := inputs(now)
	if here := known[inputRelease].value; f.Release != "" && here != "" && here != f.Release {
		list = append(list, Difference{Input: inputRelease, There: f.Release, Here: here})
	}
	for i, name := range brief {
		here := known[name]
		if f.Inputs[i] != 0 && here.value != "" && f.Inputs[i] != shortHash(here.value) {
			list = append(list, Difference{Input: name, Here: here.text(), Note: fmt.Sprintf("another one there; its token has the hash %08x", f.Inputs[i])})
		}
	}
	return list
}
