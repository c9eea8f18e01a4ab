package inspect

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"example.com/slipway/ci/inspect/leak"
)

// Where the parts of an image lie that speak of it, in the configuration's own names.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md
const (
	annotationsPart = "annotations"
	historyPart     = "history"
	configPart      = "config"
)

// say searches what an image says of itself: its configuration, all of it whatever
// the specification knows, and the annotations of its manifest and indexes.
func (c *content) say(l *leaks) {
	for _, said := range c.annotations {
		for _, key := range slices.Sorted(maps.Keys(said)) {
			l.text(said[key], []string{annotationsPart, key})
		}
	}
	var config any
	// That it is JSON was found before.
	_ = json.Unmarshal(c.config, &config)
	l.walk(config, nil)
}

// walk searches every text in a document. The path are the names that lead to it, and
// numbers from 1 on.
func (l *leaks) walk(value any, path []string) {
	switch v := value.(type) {
	case string:
		l.text(v, path)
	case []any:
		for i, one := range v {
			l.walk(one, append(path, strconv.Itoa(i+1)))
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			l.walk(v[key], append(path, key))
		}
	}
}

// text searches a text and its name, which may be the secret too.
func (l *leaks) text(value string, path []string) {
	name := ""
	if len(path) > 0 {
		name = path[len(path)-1] + "="
	}
	if found := l.rules.Said(name + value); len(found) > 0 {
		place := l.rules.Mask(placeOf(value, path))
		l.matches(found, place[:min(maxName, len(place))], configured)
	}
}

// placeOf says where a text lies, as a user would.
func placeOf(value string, path []string) string {
	under := func(prefix ...string) bool {
		return len(path) > len(prefix) && slices.Equal(path[:len(prefix)], prefix)
	}
	switch {
	case under(annotationsPart):
		return "annotation " + path[1]
	case under(historyPart):
		return "history entry " + path[1]
	case under(configPart, "Labels"):
		return "label " + path[2]
	case under(configPart, "Env"):
		name, _, _ := strings.Cut(value, "=")
		return "env " + name
	case under(configPart, "Entrypoint"):
		return "entrypoint word " + path[2]
	case under(configPart, "Cmd"):
		return "argument " + path[2]
	}
	return "configuration " + strings.Join(path, ".")
}

// mask takes secrets out of what a report repeats of an image's own words.
func (img *Image) mask(rules *leak.Rules) {
	c := &img.Config
	for _, text := range []*string{&c.User, &c.Workdir, &img.Entrypoint.Path} {
		*text = rules.Mask(*text)
	}
	for _, list := range []*[]string{&c.Entrypoint, &c.Args, &c.Env, &c.Ports} {
		*list = slices.Clone(*list)
		for i, text := range *list {
			(*list)[i] = rules.Mask(text)
		}
	}
	c.Labels = masked(rules, c.Labels)
	for i := range img.Layers {
		img.Layers[i].CreatedBy = rules.Mask(img.Layers[i].CreatedBy)
	}
	for _, p := range img.Programs {
		if p.Go != nil {
			p.Go.Settings = masked(rules, p.Go.Settings)
			for i := range p.Go.Dependencies {
				p.Go.Dependencies[i].mask(rules)
			}
		}
	}
}

// mask leaves the sum, which is no secret and looks like one.
func (d *Dependency) mask(rules *leak.Rules) {
	d.Path, d.Version = rules.Mask(d.Path), rules.Mask(d.Version)
	if d.Replaces != nil {
		d.Replaces.Path, d.Replaces.Version = rules.Mask(d.Replaces.Path), rules.Mask(d.Replaces.Version)
	}
}

func masked(rules *leak.Rules, texts map[string]string) map[string]string {
	if texts == nil {
		return nil
	}
	all := map[string]string{}
	for key, value := range texts {
		all[rules.Mask(key)] = rules.Mask(value)
	}
	return all
}
