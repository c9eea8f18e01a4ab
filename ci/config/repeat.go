package config

import (
	"maps"
	"slices"

	"example.com/slipway/ci/fault"
)

// fromReceipt is the origin of what a recorded run was asked for.
const fromReceipt Origin = "the receipt"

// Repeated are the settings of a recorded run that are said again where it is repeated.
// Those that speak of a machine, a registry or a secret are for whoever repeats it to say.
func Repeated(settings map[string][]string) map[string][]string {
	own := maps.Clone(settings)
	for _, k := range keys() {
		if !k.repeats() {
			delete(own, k.name)
		}
	}
	return own
}

func (k key) repeats() bool {
	return !k.machine && !k.secret && !slices.Contains([]string{"engine", "mirror", "output", "target", "image-tag"}, k.name)
}

// Repeat is Gather with the settings of a recorded run above the environment and below
// the flags. They come from outside: what they say is checked as if a user had said it.
func Repeat(file *File, getenv func(string) string, settings map[string][]string, flags *Flags) (*Said, error) {
	said, err := Gather(file, getenv, nil)
	if err != nil {
		return nil, err
	}
	if err := said.repeat(Repeated(settings)); err != nil {
		return nil, err
	}
	return said, said.flags(flags)
}

func (s *Said) repeat(settings map[string][]string) error {
	known := map[string]key{}
	for _, k := range keys() {
		known[k.name] = k
	}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		k, ok := known[name]
		if !ok || k.fileOnly() || len(settings[name]) == 0 {
			return fault.New(fault.Usage, "the receipt has the setting %.100q, which this Slipway does not know", name).
				WithFix("reproduce it with the Slipway that wrote it")
		}
		if err := assign(k.field(&s.Settings), settings[name]); err != nil {
			return fault.New(fault.Usage, "the receipt's setting %s: %v", name, err).WithFix("reproduce with a receipt that slipway check wrote")
		}
		s.Origins[name] = fromReceipt
		s.typed(k, settings[name]...)
	}
	return nil
}
