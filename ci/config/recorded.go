package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"example.com/slipway/ci/plan"
)

// recorded is the origin of what a recorded plan says.
const recorded Origin = "the recorded plan"

// Recorded says again what a recorded plan was made of, over what anybody else says.
// The plan comes from outside: what it says is checked as if a user had said it. Files
// are left to the source's own configuration, because a plan lists them one by one.
func (s *Said) Recorded(i plan.Image) {
	own := Settings{
		Tags: i.Build.Tags, Set: map[string]string{}, Strip: i.Build.Strip, Debug: i.Build.Debug,
		Builder: i.Builder.String(), Version: i.Version, Epoch: fmt.Sprint(i.Epoch),
		Name: i.Name, Base: i.Base.String(), User: i.Config.User, Workdir: i.Config.Workdir, Env: map[string]string{}, Args: i.Config.Args,
		Capability: i.Capabilities, Port: i.Config.Ports, StopSignal: i.Config.StopSignal, Label: i.Config.Labels, Annotation: i.Config.Annotations,
		Title: i.Title, Description: i.Description, URL: i.URL, Source: i.Source, Licenses: i.Licenses, Compression: i.Compression,
	}
	for _, m := range i.Mains {
		own.Main = append(own.Main, m.Dir)
	}
	for _, v := range i.Build.Vars {
		own.Set[v.Name] = v.Value
	}
	for _, kv := range i.Config.Env {
		name, value, _ := strings.Cut(kv, "=")
		own.Env[name] = value
	}
	for _, p := range i.Platforms {
		own.Platform = append(own.Platform, p.String())
	}
	if i.Certs {
		own.Certs = "bundled"
	}
	for _, k := range slices.Concat(buildKeys(), imageKeys()) {
		if k.name == "files" {
			continue
		}
		reflect.ValueOf(k.field(&s.Settings)).Elem().Set(reflect.ValueOf(k.field(&own)).Elem())
		s.Origins[k.name] = recorded
	}
}
