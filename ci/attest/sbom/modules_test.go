package sbom_test

import (
	"debug/buildinfo"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest/sbom"
	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/layer"
	"example.com/slipway/ci/plan"
)

// What the lists have is what go version -m has, module by module.
func TestForms_ListTheModulesThatTheLinkerWrote(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds a program")
	}
	program := build(t)
	info, err := buildinfo.ReadFile(program)
	require.NoError(t, err)
	require.Len(t, info.Deps, 3)
	want := map[string]string{"stdlib@" + strings.Replace(info.GoVersion, "go", "v", 1): "", "example.com/tide@v1.2.3": ""}
	for _, d := range info.Deps {
		switch {
		case d.Replace == nil:
			want[d.Path+"@"+d.Version] = d.Sum
		case d.Replace.Version == "":
			want[d.Path+"@"] = ""
		default:
			want[d.Replace.Path+"@"+d.Replace.Version] = d.Replace.Sum
		}
	}
	s := sbom.Subject{Plan: plan.Image{Name: "tide", Module: "example.com/tide", Version: "v1.2.3"}, Image: inspected(t, program)}

	var cdx struct {
		Components []struct {
			Type, Name, Version string
			Properties          []struct{ Name, Value string }
		}
	}
	require.NoError(t, json.Unmarshal(document(t, "cyclonedx", s), &cdx))
	got := map[string]string{}
	for _, c := range cdx.Components {
		if c.Type == "library" {
			sum := ""
			for _, p := range c.Properties {
				if p.Name == "slipway:go:h1" {
					sum = p.Value
				}
			}
			got[c.Name+"@"+c.Version] = sum
		}
	}
	require.Equal(t, want, got)

	var spdx struct {
		Packages []struct {
			Name, VersionInfo, PrimaryPackagePurpose string
			ExternalRefs                             []struct{ ReferenceType, ReferenceLocator string }
		}
	}
	require.NoError(t, json.Unmarshal(document(t, "spdx", s), &spdx))
	got = map[string]string{}
	for _, p := range spdx.Packages {
		if p.PrimaryPackagePurpose == "LIBRARY" {
			sum := ""
			for _, ref := range p.ExternalRefs {
				if ref.ReferenceType == "go-h1" {
					sum = ref.ReferenceLocator
				}
			}
			got[p.Name+"@"+p.VersionInfo] = sum
		}
	}
	require.Equal(t, want, got)
}

// build compiles a program of one module as it is, one in another's place and a folder in
// another's, all of which this repository has in the module cache.
func build(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	require.NoError(t, err)
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	version := func(module string) string {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Version}}", module).Output()
		require.NoError(t, err)
		return strings.TrimSpace(string(out))
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.com/tide\n\ngo 1.26.1\n\nrequire (\n\tgolang.org/x/mod " + version("golang.org/x/mod") +
			"\n\texample.com/sync v0.1.0\n\texample.com/moon v0.1.0\n)\n\nreplace example.com/sync => golang.org/x/sync " + version("golang.org/x/sync") +
			"\n\nreplace example.com/moon => ./moon\n",
		"go.sum":      string(sums),
		"main.go":     "package main\n\nimport (\n\t\"example.com/moon\"\n\t\"example.com/sync/errgroup\"\n\t\"golang.org/x/mod/semver\"\n)\n\nfunc main() { var g errgroup.Group; println(semver.Max(\"v1\", moon.Phase), g.Wait() == nil) }\n",
		"moon/go.mod": "module example.com/moon\n\ngo 1.26.1\n",
		"moon/m.go":   "package moon\n\nvar Phase = \"v2\"\n",
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	out := filepath.Join(dir, "tide")
	c := exec.CommandContext(t.Context(), "go", "build", "-mod=mod", "-trimpath", "-o", out, ".")
	c.Dir, c.Env = dir, append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOPROXY=off")
	text, err := c.CombinedOutput()
	require.NoError(t, err, "%s", text)
	return out
}

// inspected is what is read of an image that has a program and nothing else.
func inspected(t *testing.T, program string) inspect.Image {
	t.Helper()
	l, err := layer.New([]layer.File{{Path: "app", Mode: fs.ModeDir | 0o755}, {Path: "app/tide", Mode: 0o755, Source: program}}, time.Unix(0, 0))
	require.NoError(t, err)
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err = mutate.Append(img, mutate.Addendum{Layer: l, MediaType: types.OCILayer})
	require.NoError(t, err)
	config, err := img.ConfigFile()
	require.NoError(t, err)
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Config = "linux", runtime.GOARCH, v1.Config{Entrypoint: []string{"/app/tide"}}
	img, err = mutate.ConfigFile(img, config)
	require.NoError(t, err)
	source, err := inspect.OfImage(img, inspect.Options{})
	require.NoError(t, err)
	defer source.Close()
	report, err := source.Inspect(t.Context())
	require.NoError(t, err)
	return report.Images[0]
}
