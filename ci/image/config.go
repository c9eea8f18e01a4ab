package image

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"example.com/slipway/ci/plan"
)

// PlanLabel is the label that holds the hash of the image plan.
const PlanLabel = "slipway.plan"

// configuration lays the plan over the part of the base's configuration that a
// program needs: its environment and its folder. Labels, ports, commands, health
// checks and authors of the base are not taken over.
func configuration(p plan.Image, part Part, img v1.Image) (*v1.ConfigFile, error) {
	base, err := part.Base.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading the base's configuration: %w", err)
	}
	cfg, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	cfg = cfg.DeepCopy()
	cfg.OS, cfg.Architecture, cfg.Variant = part.Platform.OS, part.Platform.Arch, part.Platform.Variant
	cfg.Created = v1.Time{Time: p.Time()}
	cfg.Config = v1.Config{
		User:         p.Config.User,
		Env:          environment(base.Config.Env, p.Config.Env),
		Entrypoint:   p.Entrypoint(),
		Cmd:          p.Config.Args,
		WorkingDir:   base.Config.WorkingDir,
		ExposedPorts: ports(p.Config.Ports),
		StopSignal:   p.Config.StopSignal,
		Labels:       labels(p, part.Platform),
	}
	if p.Config.Workdir != "" {
		cfg.Config.WorkingDir = p.Config.Workdir
	}
	return cfg, nil
}

// environment is the base's with the plan's: a name keeps its first place and gets
// its last value.
func environment(base, own []string) []string {
	var env []string
	for _, kv := range slices.Concat(base, own) {
		name, _, _ := strings.Cut(kv, "=")
		at := slices.IndexFunc(env, func(e string) bool { return strings.HasPrefix(e, name+"=") })
		if at >= 0 {
			env[at] = kv
		} else {
			env = append(env, kv)
		}
	}
	return env
}

func ports(list []string) map[string]struct{} {
	if len(list) == 0 {
		return nil
	}
	set := map[string]struct{}{}
	for _, p := range list {
		set[p] = struct{}{}
	}
	return set
}

// annotations are the pre-defined keys of the OCI image specification that the
// plan answers, the same for the index and every manifest.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md
func annotations(p plan.Image) map[string]string {
	const prefix = "org.opencontainers.image."
	all := map[string]string{
		prefix + "created":     p.Time().Format(time.RFC3339),
		prefix + "title":       p.Title,
		prefix + "description": p.Description,
		prefix + "url":         p.URL,
		prefix + "source":      p.Source,
		prefix + "version":     p.Version,
		prefix + "revision":    p.Commit,
		prefix + "licenses":    p.Licenses,
		prefix + "base.name":   baseName(p.Base),
		prefix + "base.digest": p.Base.Digest,
	}
	maps.DeleteFunc(all, func(_, v string) bool { return v == "" })
	maps.Copy(all, p.Config.Annotations)
	return all
}

func baseName(b plan.Pin) string {
	if b.Tag == "" {
		return b.Name
	}
	return b.Name + ":" + b.Tag
}

// labels repeat the annotations where docker inspect shows them, with the plan.
func labels(p plan.Image, platform plan.Platform) map[string]string {
	all := annotations(p)
	maps.Copy(all, p.Config.Labels)
	all[PlanLabel] = p.Hash(platform)
	return all
}

func history(p plan.Image, createdBy string) v1.History {
	return v1.History{Created: v1.Time{Time: p.Time()}, CreatedBy: createdBy}
}
