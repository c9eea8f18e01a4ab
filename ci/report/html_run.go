package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/step"
)

type planRow struct{ Name, Value, Origin string }

// planRows are the values that decided the images and the run, under the names that
// the configuration has for them, and where each came from.
func planRows(r *receipt.Receipt) []planRow {
	values := map[string]string{}
	for _, img := range r.Images {
		for name, value := range imageValues(img.Plan) {
			switch old, known := values[name]; {
			case !known || old == "":
				values[name] = value
			case value != "" && value != old:
				values[name] = old + "; " + value
			}
		}
	}
	run := r.Run.Plan
	var tags []string
	for _, tag := range run.Tags {
		tags = append(tags, tag.Name)
	}
	maps.Copy(values, map[string]string{
		"engine": run.Engine, "engine-host": run.EngineHost, "output": run.Output, "target": strings.Join(run.Targets, ","),
		"image-tag": strings.Join(tags, ","), "ref": run.Ref, "sign": run.Publish.Sign,
		"test": strings.Join(run.Tests, ","), "scanner": run.Scan.Scanner.String(), "vulndb": run.Scan.VulnDB,
	})
	if run.Budget > 0 {
		values["budget"] = step.Size(run.Budget)
	}
	for name := range r.Origins {
		values[name] += "" // what this form has no value for is told too
	}
	var rows []planRow
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if value, origin := clean(values[name]), clean(r.Origins[name]); value != "" || origin != "" {
			rows = append(rows, planRow{clean(name), value, origin})
		}
	}
	return rows
}

func imageValues(i plan.Image) map[string]string {
	var mains, vars, platforms, files []string
	for _, m := range i.Mains {
		mains = append(mains, m.Dir)
	}
	for _, v := range i.Build.Vars {
		vars = append(vars, v.Name+"="+v.Value)
	}
	for _, p := range i.Platforms {
		platforms = append(platforms, p.String())
	}
	for _, f := range i.Files {
		files = append(files, "/"+f.Path+"="+f.Source)
	}
	return map[string]string{
		"name": i.Name, "title": i.Title, "description": i.Description, "source": i.Source, "url": i.URL, "licenses": i.Licenses,
		"version": i.Version, "commit": i.Commit, "epoch": fmt.Sprint(i.Epoch), "toolchain": i.Toolchain, "builder": i.Builder.String(),
		"base": i.Base.String(), "main": strings.Join(mains, ","), "tags": strings.Join(i.Build.Tags, ","), "set": strings.Join(vars, ","),
		"strip": i.Build.Strip, "files": strings.Join(files, ","), "capability": strings.Join(i.Capabilities, ","), "user": i.Config.User,
		"workdir": i.Config.Workdir, "env": strings.Join(i.Config.Env, ","), "args": strings.Join(i.Config.Args, " "),
		"port": strings.Join(i.Config.Ports, ","), "stop-signal": i.Config.StopSignal, "platform": strings.Join(platforms, ","),
	}
}

func policyRows(p plan.Policy) []planRow {
	var rows []planRow
	for _, row := range []planRow{
		{"Severity", p.Severity, "the lowest that fails"}, {"Unknown", p.Unknown, "what nobody has rated"},
		{"Unfixed", p.Unfixed, "what has no fixed version"}, {"Reach", p.Reach, "all, or only what the program calls"},
		{"VEX", strings.Join(p.VEX, ", "), "documents that say what is not affected"},
	} {
		if row.Value = clean(row.Value); row.Value != "" {
			rows = append(rows, row)
		}
	}
	return rows
}

type exceptionRow struct{ ID, Package, Reason, Owner, Expires, Origin string }

func exceptionRows(p plan.Policy) []exceptionRow {
	var rows []exceptionRow
	for _, e := range p.Exceptions {
		rows = append(rows, exceptionRow{clean(e.ID), clean(e.Package), clean(e.Reason), clean(e.Owner), clean(e.Expires), clean(e.Origin)})
	}
	return rows
}
