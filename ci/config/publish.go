package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/project"
	"example.com/slipway/ci/tag"
)

// maxRules bounds how many rules for tags a source can have.
const maxRules = 50

var (
	refForm     = regexp.MustCompile(`^refs/(?:heads/.+|tags/.+|pull/[0-9]{1,18}/(?:merge|head))$`)
	keyVariable = regexp.MustCompile(`^env://[A-Za-z_][A-Za-z0-9_]*$`)
)

// publish is where images go and under which names, which a source can say, and how
// repositories are written to, which it cannot.
func (p *Plan) publish(in Input) error {
	for _, part := range []func(Input) error{p.targets, p.imageTags, p.registries, p.signing} {
		if err := part(in); err != nil {
			return err
		}
	}
	return nil
}

func (p *Plan) targets(in Input) error {
	var all []string
	for i, target := range in.Said.Target {
		if kind, path, local := Local(target); local {
			if p.fromFile("target") || path == "" {
				return p.wrong("target", target, "a repository; whoever publishes may name a folder as oci:FOLDER or a file as oci-archive:FILE")
			}
			all = append(all, kind+":"+absolute(in.Dir, path))
			continue
		}
		if !IsRepository(target) {
			return p.wrong("target", target, "a repository with its registry and without a tag, such as ghcr.io/team/server or docker.io/team/server")
		}
		if slices.Contains(in.Said.Target[:i], target) {
			return p.wrong("target", target, "each repository once")
		}
		all = append(all, target)
	}
	p.Run.Targets = all
	return nil
}

// IsRepository tells whether a target names a repository together with its registry.
func IsRepository(target string) bool {
	host, _, _ := strings.Cut(target, "/")
	// Without a dot or a port it would be a name on Docker Hub.
	registry := strings.ContainsAny(host, ".:") || host == "localhost"
	return registry && targetForm.MatchString(target) && len(target) <= 255
}

// The targets on this machine, in the words of skopeo.
const (
	LayoutTarget  = "oci"
	ArchiveTarget = "oci-archive"
)

// Local takes a target apart that is a folder or file of this machine: oci:FOLDER is an
// OCI image layout, oci-archive:FILE one in a tar archive.
func Local(target string) (kind, path string, ok bool) {
	kind, path, ok = strings.Cut(target, ":")
	return kind, path, ok && (kind == LayoutTarget || kind == ArchiveTarget)
}

// Repositories are those that an image of the plan goes to: the targets, or, where the
// plan has several images, the repositories of the image's name below them.
func (p *Plan) Repositories(img plan.Image) []string {
	return p.places(img, func(target string) bool { _, _, local := Local(target); return !local })
}

// Places are the targets of an image on this machine, as Repositories are those elsewhere.
func (p *Plan) Places(img plan.Image) []string {
	return p.places(img, func(target string) bool { _, _, local := Local(target); return local })
}

func (p *Plan) places(img plan.Image, wanted func(string) bool) []string {
	var all []string
	for _, target := range p.Run.Targets {
		if wanted(target) && len(p.Images) > 1 {
			target += "/" + img.Name
		}
		if wanted(target) {
			all = append(all, target)
		}
	}
	return all
}

// imageTags finds the tags. A rule that is wrong stops every verb, a branch whose name
// makes no tag only those that publish: nobody else needs one.
func (p *Plan) imageTags(in Input) error {
	p.Run.Ref = cmp.Or(in.Said.Ref, in.Project.Refs.Head)
	p.origin("ref", Origin(in.Project.Refs.From))
	if ref := in.Said.Ref; ref != "" && (!project.IsRef(ref) || !refForm.MatchString(ref)) {
		return p.wrong("ref", ref, "the full name of a branch, tag or pull request: refs/heads/main, refs/tags/v1.2.3 or refs/pull/7/merge")
	}
	if len(in.Said.ImageTag) > maxRules {
		return p.wrong("image-tag", fmt.Sprint(len(in.Said.ImageTag), " rules"), fmt.Sprint("at most ", maxRules))
	}
	for _, text := range in.Said.ImageTag {
		rule, err := tag.Parse(text)
		if err != nil {
			return p.at("image-tag", err)
		}
		p.rules = append(p.rules, rule)
	}
	p.origin("image-tag", "the version, the branch and the commit")
	p.refs = in.Project.Refs
	p.setTags(p.Image.Version)
	if p.Untagged != nil && (p.Said("image-tag") || len(p.Run.Targets) > 0) {
		p.Notes = append(p.Notes, "publish would end here: "+p.Untagged.Error())
	}
	return nil
}

// setTags finds the tags of a version.
func (p *Plan) setTags(version string) {
	p.Tags, p.Untagged = tag.Resolve(p.rules, tag.Facts{
		Ref: p.Run.Ref, Commit: p.Image.Commit, Version: version, DefaultBranch: p.refs.DefaultBranch, Tags: p.refs.Tags,
	})
	p.Run.Tags = nil
	for _, t := range p.Tags {
		p.Run.Tags = append(p.Run.Tags, t.Tag)
	}
}

// at puts the place of a value before an error about it.
func (p *Plan) at(name string, err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return fault.New(f.Kind, "%s: %s", p.place(name), f.What).WithFix("%s", f.Fix)
	}
	return p.wrongErr(name, err)
}

func (p *Plan) registries(in Input) error {
	s, publish := in.Said, &p.Run.Publish
	publish.Overwrite = s.Overwrite
	for _, host := range slices.Sorted(maps.Keys(s.TokenFile)) {
		file := s.TokenFile[host]
		if !hostForm.MatchString(host) || file == "" {
			return p.wrong("registry-token-file", host+"=...", "a registry and the file with its token, such as ghcr.io=/run/secrets/token")
		}
		if publish.TokenFiles == nil {
			publish.TokenFiles = map[string]string{}
		}
		publish.TokenFiles[host] = absolute(in.Dir, file)
	}
	for _, host := range s.PlainHTTP {
		if !hostForm.MatchString(host) {
			return p.wrong("plain-http", host, "a registry, such as registry.internal:5000")
		}
	}
	publish.PlainHTTP = s.PlainHTTP
	for _, host := range slices.Sorted(maps.Keys(s.Attest)) {
		if !hostForm.MatchString(host) || !slices.Contains([]string{plan.AttestWarn, plan.AttestFail, plan.AttestOff}, s.Attest[host]) {
			return p.wrong("attest", host+"="+s.Attest[host], "a registry and warn, fail or off, such as ghcr.io=warn")
		}
	}
	publish.Attest = s.Attest
	return nil
}

func (p *Plan) signing(in Input) error {
	publish := &p.Run.Publish
	publish.Sign = cmp.Or(in.Said.Sign, defaultSign)
	p.origin("sign", "default")
	if !slices.Contains([]string{"auto", "key", "keyless", "off"}, publish.Sign) {
		return p.wrong("sign", publish.Sign, "auto, key, keyless or off")
	}
	if (in.Said.SigningConfig == "") != (in.Said.TrustedRoot == "") {
		return fault.New(fault.Usage, "signing-config and trusted-root belong together").WithFix("name both, or neither for Sigstore's public instance")
	}
	if in.Said.SigningConfig != "" {
		publish.SigningConfig, publish.TrustedRoot = absolute(in.Dir, in.Said.SigningConfig), absolute(in.Dir, in.Said.TrustedRoot)
	}
	// What is said of the key is not shown: it may be the key itself.
	key := in.Said.SignKey
	switch {
	case key == "" && publish.Sign == "key":
		return fault.New(fault.Usage, "%s: there is no key to sign with", p.place("sign")).WithFix("name it with --sign-key")
	case key != "" && (publish.Sign == "keyless" || publish.Sign == "off"):
		return fault.New(fault.Usage, "%s: a key is named, and %s says %s", p.place("sign-key"), p.place("sign"), publish.Sign).WithFix("leave one of them out")
	}
	var err error
	publish.SignKey, err = p.keyFile(in, "sign-key", key)
	return err
}

// keyFile is the name of a key's file, absolute, or the variable that has the key.
func (p *Plan) keyFile(in Input, name, said string) (string, error) {
	switch {
	case said == "" || keyVariable.MatchString(said):
		return said, nil
	case strings.Contains(said, "://") || strings.Contains(said, "-----") || strings.ContainsAny(said, "\r\n"):
		return "", fault.New(fault.Usage, "%s: this is no file of a key", p.place(name)).WithFix("name a file, or env:// and the variable that has the key")
	}
	return absolute(in.Dir, said), nil
}

func absolute(dir, name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(dir, name)
}

// publishValues are the values of the keys above, as text.
func (p *Plan) publishValues() map[string]string {
	publish := p.Run.Publish
	values := map[string]string{
		"target": strings.Join(p.Run.Targets, ","), "ref": p.Run.Ref,
		"image-tag": list(p.Run.Tags, func(t plan.Tag) string {
			if t.Moving {
				return t.Name + " (moving)"
			}
			return t.Name
		}),
		"registry-token-file": strings.Join(slices.Sorted(maps.Keys(publish.TokenFiles)), ","), "attest": table(publish.Attest), "plain-http": strings.Join(publish.PlainHTTP, ","),
		"sign": publish.Sign, "sign-key": publish.SignKey,
		"signing-config": publish.SigningConfig, "trusted-root": publish.TrustedRoot,
	}
	if publish.Overwrite {
		values["overwrite"] = "true"
	}
	return values
}
