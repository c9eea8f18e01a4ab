package replay

import (
	"path"
	"slices"
	"strings"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/step"
)

// settingDifferences are the settings that were said otherwise here.
func settingDifferences(then map[string][]string, now *receipt.Receipt) []Difference {
	a, b := config.Repeated(then), config.Repeated(now.Run.Request.Settings)
	all := map[string]bool{}
	for _, settings := range []map[string][]string{a, b} {
		for name := range settings {
			all[name] = true
		}
	}
	var list []Difference
	for _, name := range sorted(all) {
		// These two are always said here, as the plan had them there.
		if name == "version" || name == "epoch" || slices.Equal(a[name], b[name]) {
			continue
		}
		list = append(list, Difference{Input: "--" + name, There: strings.Join(a[name], " "), Here: strings.Join(b[name], " ")})
	}
	return list
}

// environmentDifferences are the variables in which the commands of the failed step
// differ from the same commands here.
func environmentDifferences(then, now *receipt.Receipt) []Difference {
	if then.Failure == nil || then.Failure.Step == "" {
		return nil
	}
	var list []Difference
	for _, there := range commands(then, then.Failure.Step) {
		for _, here := range commands(now, then.Failure.Step) {
			if slices.Equal(there.Args, here.Args) {
				list = append(list, variables(there.Env, here.Env)...)
				break
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Difference) int { return strings.Compare(a.Input, b.Input) })
	return slices.Compact(list)
}

func commands(r *receipt.Receipt, name string) []step.Command {
	for _, s := range r.Run.Steps {
		if s.Name == name {
			return s.Commands
		}
	}
	return nil
}

func variables(there, here []string) []Difference {
	a, b := table(there), table(here)
	for name := range b {
		if _, both := a[name]; !both {
			a[name] = ""
		}
	}
	var list []Difference
	for _, name := range sorted(a) {
		if a[name] != b[name] {
			list = append(list, Difference{Input: "$" + name, There: a[name], Here: b[name]})
		}
	}
	return list
}

func table(env []string) map[string]string {
	all := map[string]string{}
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		if name == "GOWORK" {
			value = path.Base(value) // its folder is another one in each checkout
		}
		all[name] = value
	}
	return all
}
