package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/step"
)

// Values are the plan's values by key, as text, without those that are empty.
func (p *Plan) Values() map[string]string {
	i := p.Image
	values := map[string]string{
		"main": list(i.Mains, func(m plan.Main) string { return m.Dir }), "tags": strings.Join(i.Build.Tags, ","),
		"set":   list(i.Build.Vars, func(v plan.Var) string { return v.Name + "=" + v.Value }),
		"strip": i.Build.Strip, "builder": i.Builder.String(), "version": i.Version, "epoch": fmt.Sprint(i.Epoch),
		"name": i.Name, "platform": list(i.Platforms, plan.Platform.String), "base": i.Base.String(),
		"user": i.Config.User, "workdir": i.Config.Workdir, "env": strings.Join(i.Config.Env, ","),
		"args": strings.Join(i.Config.Args, " "), "port": strings.Join(i.Config.Ports, ","), "stop-signal": i.Config.StopSignal,
		"label": table(i.Config.Labels), "annotation": table(i.Config.Annotations), "title": i.Title,
		"description": i.Description, "url": i.URL, "source": i.Source, "licenses": i.Licenses, "compression": i.Compression,
		"files":      list(p.Image.Files, func(f plan.File) string { return "/" + f.Path + "=" + f.Source }),
		"capability": strings.Join(i.Capabilities, ","), "budget": step.Size(p.Run.Budget), "test": strings.Join(p.Run.Tests, ","),
		"pre-build": list(p.Run.PreBuild, func(c []string) string { return strings.Join(c, " ") }),
		"engine":    p.Run.Engine, "engine-host": p.Run.EngineHost, "mirror": table(p.Run.Mirrors), "output": p.Run.Output,
	}
	maps.Copy(values, p.gateValues())
	maps.Copy(values, p.publishValues())
	maps.Copy(values, p.cacheValues())
	if i.Certs {
		values["certs"] = "bundled"
	}
	if i.Build.Debug {
		values["debug"] = "true"
	}
	if p.AllPlatforms {
		values["platform"] = "all"
	}
	maps.DeleteFunc(values, func(_, v string) bool { return v == "" })
	return values
}

func list[T any](items []T, text func(T) string) string {
	var all []string
	for _, item := range items {
		all = append(all, text(item))
	}
	return strings.Join(all, ",")
}

func table(t map[string]string) string {
	return list(slices.Sorted(maps.Keys(t)), func(k string) string { return k + "=" + t[k] })
}
