package config

import (
	"cmp"
	"context"
	"fmt"
	"go/version"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/layer"
	"example.com/slipway/ci/pins"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/project"
)

// Input is everything that a plan follows from.
type Input struct {
	Said    *Said
	Project *project.Project
	Pins    pins.Pins
	// Dir is the folder that a relative output folder counts from.
	Dir string
}

// Resolve makes the plan. Every error is a *fault.Error of kind Usage.
func Resolve(ctx context.Context, in Input) (*Plan, error) {
	p := &Plan{Set: in.Said.Set, Typed: in.Said.Typed, Origins: maps.Clone(in.Said.Origins), said: in.Said.Origins, Notes: slices.Concat(in.Project.Notes, in.Pins.Notes)}
	for _, part := range []func(Input) error{p.mains, p.toolchain, p.base, p.platforms, p.identity, p.build, p.config, p.run, p.caches, p.publish, p.policy, p.scan, p.smoke} {
		if err := part(in); err != nil {
			return nil, err
		}
	}
	if err := p.files(ctx, in); err != nil {
		return nil, err
	}
	return p, p.expand(in)
}

// expand makes an image for each main where that is asked for.
func (p *Plan) expand(in Input) error {
	mains := p.Image.Mains
	if all := slices.Equal(in.Said.Main, []string{"all"}); !all && !in.Said.PerMain || len(mains) == 1 {
		p.Images = []plan.Image{p.Image}
		return nil
	}
	if p.Said("name") {
		return fault.New(fault.Usage, "%s: %d images cannot have one name", p.place("name"), len(mains)).WithFix("leave the name out: each has its main's")
	}
	seen := map[string]string{}
	for _, m := range mains {
		one := p.Image
		one.Mains, one.Name = []plan.Main{m}, imageName(m.Name)
		if !p.Said("title") {
			one.Title = one.Name
		}
		one.Build.Vars = slices.Clone(p.Image.Build.Vars)
		if other, twice := seen[one.Name]; twice {
			return fault.New(fault.Usage, "%s and %s both make an image named %s", other, m.Dir, one.Name).WithFix("build one of them by itself, with --name")
		}
		seen[one.Name] = m.Dir
		p.Images = append(p.Images, one)
	}
	return nil
}

// origin notes where a value came from when nobody said it.
func (p *Plan) origin(name string, o Origin) {
	if _, said := p.Origins[name]; !said {
		p.Origins[name] = o
	}
}

func (p *Plan) mains(in Input) error {
	chosen, err := in.Project.Select(in.Said.Main)
	if err != nil {
		return err
	}
	seen := map[string]string{}
	for _, m := range chosen {
		if other, twice := seen[m.Name]; twice && !in.Said.PerMain {
			return fault.New(fault.Usage, "%s and %s both make a binary named %s", other, m.Dir, m.Name).WithFix("build them as two images, one after the other, with --name")
		}
		seen[m.Name] = m.Dir
		p.Image.Mains = append(p.Image.Mains, plan.Main{Dir: m.Dir, Package: m.Package, Name: m.Name})
	}
	p.origin("main", "the only package main")
	p.Image.Name = cmp.Or(in.Said.Name, imageName(chosen[0].Name))
	p.origin("name", "the main's folder")
	if !imageNameForm.MatchString(p.Image.Name) {
		return p.wrong("name", p.Image.Name, "lower-case letters, digits, and single dots, dashes or underscores between them")
	}
	p.Image.Module = in.Project.ModulePath
	return nil
}

// imageName makes a repository name of a binary's: they are in lower case.
func imageName(binary string) string {
	return strings.Trim(notInName.ReplaceAllString(strings.ToLower(binary), "-"), "-._")
}

func (p *Plan) toolchain(in Input) error {
	p.Image.Builder = in.Pins.Builder
	if said := in.Said.Builder; said != "" {
		pin, err := plan.ParsePin(said)
		if err != nil {
			return p.wrongErr("builder", err)
		}
		p.Image.Builder = pin
	}
	p.origin("builder", Origin(in.Pins.From))
	number, err := pins.Pins{Builder: p.Image.Builder}.GoVersion()
	if err != nil {
		return err
	}
	p.Image.Toolchain = "go" + number
	if want := "go" + in.Project.GoVersion; version.Compare(want, p.Image.Toolchain) > 0 {
		return fault.New(fault.Usage, "%s asks for %s, the builder %s is older", filepath.Join(in.Project.ModuleDir, "go.mod"), want, p.Image.Builder).
			WithFix("pin a builder with %s or newer (--builder golang:TAG@sha256:..., or the FROM line of the Dockerfile)", want)
	}
	if want := in.Project.Toolchain; want != "" && version.Compare(want, p.Image.Toolchain) > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("go.mod suggests %s; the builder pins %s, which its go line allows", want, p.Image.Toolchain))
	}
	return nil
}

func (p *Plan) base(in Input) error {
	p.Image.Base = in.Pins.Base
	switch said := in.Said.Base; said {
	case "":
		p.origin("base", Origin(in.Pins.From))
	case "builtin", "scratch":
		p.Image.Base = plan.Pin{Name: said}
	default:
		pin, err := plan.ParsePin(said)
		if err != nil {
			return p.wrongErr("base", err)
		}
		p.Image.Base = pin
	}
	switch in.Said.Certs {
	case "":
	case "bundled":
		p.Image.Certs = true
	default:
		return p.wrong("certs", in.Said.Certs, "bundled")
	}
	switch in.Said.Compression {
	case "", string(layer.Gzip):
	case string(layer.Zstd):
		p.Image.Compression = in.Said.Compression
	default:
		return p.wrong("compression", in.Said.Compression, "gzip or zstd")
	}
	return nil
}

func (p *Plan) platforms(in Input) error {
	if slices.Equal(in.Said.Platform, []string{"all"}) {
		p.AllPlatforms = true
		return nil
	}
	for _, text := range in.Said.Platform {
		platform, err := plan.ParsePlatform(text)
		if err != nil {
			return p.wrongErr("platform", err)
		}
		p.Image.Platforms = append(p.Image.Platforms, platform)
	}
	if len(p.Image.Platforms) == 0 {
		p.Image.Platforms = defaultPlatforms()
		p.origin("platform", "default")
	}
	slices.SortFunc(p.Image.Platforms, plan.Platform.Compare)
	p.Image.Platforms = slices.Compact(p.Image.Platforms)
	return nil
}

// identity is what the source says of itself: from configuration and the commit,
// never from a branch, a clock or a remote.
func (p *Plan) identity(in Input) error {
	git := in.Project.Git
	p.Image.Commit = git.Commit
	p.Image.Version = cmp.Or(in.Said.Version, git.Version)
	p.origin("version", "the commit")
	if v := p.Image.Version; v != "" && !versionForm.MatchString(v) {
		return p.wrong("version", v, "letters, digits and . _ + - , at most 128 of them")
	}
	p.origin("epoch", "nothing tells a time")
	if git.Commit != "" {
		p.Image.Epoch = git.CommitTime.Unix()
		p.Origins["epoch"] = cmp.Or(in.Said.Origins["epoch"], "the commit's time")
	}
	if said := in.Said.Epoch; said != "" {
		seconds, err := strconv.ParseInt(said, 10, 64)
		if err != nil || seconds < 0 || seconds > 253402300799 {
			return p.wrong("epoch", said, "whole seconds since 1970, before the year 10000")
		}
		p.Image.Epoch = seconds
	}
	p.Image.Title = cmp.Or(in.Said.Title, p.Image.Name)
	p.origin("title", "the name")
	p.Image.Description, p.Image.URL, p.Image.Licenses = in.Said.Description, in.Said.URL, in.Said.Licenses
	p.Image.Source = in.Said.Source
	if first, _, _ := strings.Cut(p.Image.Module, "/"); p.Image.Source == "" && strings.Contains(first, ".") {
		p.Image.Source = "https://" + p.Image.Module
		p.origin("source", "the module's path")
	}
	return nil
}

func (p *Plan) run(in Input) error {
	p.Run = plan.Run{Source: in.Project.Root, Engine: cmp.Or(in.Said.Engine, "auto"), EngineHost: in.Said.EngineHost, Mirrors: in.Said.Mirror}
	if !slices.Contains([]string{"auto", "dagger", "local"}, p.Run.Engine) {
		return p.wrong("engine", p.Run.Engine, "auto, dagger or local")
	}
	if p.Run.Engine == "local" && p.Run.EngineHost != "" {
		return p.wrong("engine-host", p.Run.EngineHost, "nothing, since the engine is said to be local")
	}
	p.origin("engine", "default")
	for from, to := range in.Said.Mirror {
		if !hostForm.MatchString(from) || !hostForm.MatchString(to) {
			return p.wrong("mirror", from+"="+to, "registry=host or registry=host:port")
		}
	}
	out := cmp.Or(in.Said.Output, defaultOutput)
	if p.fromFile("output") && !filepath.IsLocal(out) {
		return p.wrong("output", out, "a folder in the working folder; --output names any other")
	}
	p.origin("output", "default")
	if !filepath.IsAbs(out) {
		out = filepath.Join(in.Dir, out)
	}
	p.Run.Output, p.Run.PreBuild, p.Run.AllowExec = out, in.Said.PreBuild, in.Said.AllowExec
	var err error
	if p.Run.Budget, err = ParseSize(cmp.Or(in.Said.Budget, defaultBudget)); err != nil {
		return p.wrongErr("budget", err)
	}
	p.origin("budget", "default")
	p.Run.Tests = []string{"./..."}
	if len(in.Said.Test) > 0 {
		p.Run.Tests = in.Said.Test
	}
	p.origin("test", "default")
	for _, pattern := range p.Run.Tests {
		if pattern != "." && !strings.HasPrefix(pattern, "./") || !filepath.IsLocal(filepath.FromSlash(pattern)) {
			return p.wrong("test", pattern, "packages in the source folder, such as ./internal/...")
		}
	}
	return nil
}

// Tag is the name under which a runtime on this machine finds the image. One that
// stands on the embedded base for want of the pinned one has another name.
func Tag(img plan.Image, builtin bool) string {
	tag := cmp.Or(strings.TrimLeft(notInTag.ReplaceAllString(img.Version, "-"), ".-"), "latest")
	tag = tag[:min(len(tag), 110)]
	if img.Build.Debug {
		tag += "-debug"
	}
	if builtin {
		tag += "-builtin"
	}
	return path.Join("localhost", img.Name) + ":" + tag
}
