package project

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestHighest_TakesTheHighestVersionOfTheModule(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		module string
		dir    string
		tags   []string
		want   string
		misfit string
	}{
		"none":                   {},
		"one":                    {tags: []string{"v1.2.3"}, want: "v1.2.3"},
		"by value, not by text":  {tags: []string{"v1.9.0", "v1.10.0", "v1.2.0"}, want: "v1.10.0"},
		"release over candidate": {tags: []string{"v1.2.3-rc.1", "v1.2.3"}, want: "v1.2.3"},
		"only a candidate":       {tags: []string{"v1.2.3-rc.1"}, want: "v1.2.3-rc.1"},
		"no versions":            {tags: []string{"latest", "1.2.3", "v1", "v1.2", "v1.02.3", "release/v1.2.3", "v1.2.3.4", "V1.2.3"}},
		"build metadata":         {tags: []string{"v1.2.3+build5", "v2.0.0+incompatible"}},
		"pseudo-version":         {tags: []string{"v0.0.0-20200101000000-0123456789ab"}},
		"other major":            {tags: []string{"v2.0.0"}, misfit: "v2.0.0"},
		"other major, higher":    {tags: []string{"v2.0.0", "v1.0.0"}, want: "v1.0.0", misfit: "v2.0.0"},
		"other major, lower":     {module: "example.com/tide/v2", tags: []string{"v1.9.0", "v2.1.0"}, want: "v2.1.0"},
		"major 2 by another tag": {module: "example.com/tide/v2", tags: []string{"v3.0.0", "v3.1.0"}, misfit: "v3.1.0"},
		"major 2 by v1":          {module: "example.com/tide/v2", tags: []string{"v1.0.0"}, misfit: "v1.0.0"},
		"gopkg.in":               {module: "gopkg.in/tide.v3", tags: []string{"v3.1.0"}, want: "v3.1.0"},
		"path without a dot":     {module: "whoami", tags: []string{"v1.1.0"}, want: "v1.1.0"},
		"nested":                 {dir: "svc/tide", tags: []string{"v9.9.9", "v1.5.0", "svc/tide/v1.4.0", "tide/v1.6.0"}, want: "v1.4.0"},
		"nested without a tag":   {dir: "svc/tide", tags: []string{"v1.5.0"}},
		"nested, other major":    {dir: "svc", tags: []string{"svc/v2.0.0"}, misfit: "svc/v2.0.0"},
		"folder of a major":      {module: "example.com/tide/v2", dir: "v2", tags: []string{"v2.3.0", "v2/v2.4.0"}, want: "v2.3.0"},
		"nested major":           {module: "example.com/x/tide/v2", dir: "tide/v2", tags: []string{"v2.3.0", "tide/v2.4.0"}, want: "v2.4.0"},
		"folder like a major":    {dir: "v2", tags: []string{"v2/v1.4.0", "v1.5.0"}, want: "v1.4.0"},
		"workspace":              {module: "-", tags: []string{"v7.0.0", "svc/v8.0.0"}, want: "v7.0.0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			module, dir := "example.com/tide", "."
			switch tt.module {
			case "":
			case "-":
				module = ""
			default:
				module = tt.module
			}
			if tt.dir != "" {
				dir = tt.dir
			}
			var refs []string
			for _, tag := range tt.tags {
				refs = append(refs, "refs/tags/"+tag)
			}
			version, misfit := highest(refs, dir, module)
			require.Equal(t, tt.want, version)
			require.Equal(t, tt.misfit, misfit)
		})
	}
}

func TestPseudoVersion_HasTheModulesMajor(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"": "v0.0.0", "whoami": "v0.0.0", "example.com/tide": "v0.0.0", "example.com/tide/v2": "v2.0.0", "example.com/tide/v1": "v0.0.0",
		"gopkg.in/tide.v3": "v3.0.0", "gopkg.in/tide.v3-unstable": "v3.0.0", "gopkg.in/tide": "v0.0.0",
	}
	for module, want := range tests {
		t.Run(module, func(t *testing.T) {
			t.Parallel()
			at := time.Date(2026, 3, 3, 22, 6, 7, 0, time.UTC)
			require.Equal(t, want+"-20260303220607-0123456789ab", pseudoVersion(module, at, "0123456789abcdef0123456789abcdef01234567"))
		})
	}
}
