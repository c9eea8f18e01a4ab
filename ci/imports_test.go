package main_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "example.com/slipway/"

// allowed is the import graph of the product: who may import whom. It points one
// way; a new edge is a decision that belongs into this table and the README's.
var allowed = map[string][]string{
	"cmd/server":      {"internal/server"},
	"internal/server": nil,

	"ci":                          {"ci/cli"},
	"ci/cli":                      {"ci/attest/keyless", "ci/attest/sign", "ci/base", "ci/cache", "ci/config", "ci/container", "ci/engine", "ci/engine/dagger", "ci/engine/local", "ci/engine/native", "ci/fault", "ci/finding", "ci/gha", "ci/image", "ci/inspect", "ci/output", "ci/pins", "ci/pipeline", "ci/plain", "ci/plan", "ci/process", "ci/project", "ci/receipt", "ci/registry", "ci/registry/auth", "ci/replay", "ci/report", "ci/scaffold", "ci/step", "ci/term", "ci/tool", "ci/verify"},
	"ci/pipeline":                 {"ci/answer", "ci/attest", "ci/attest/keyless", "ci/attest/licence", "ci/attest/provenance", "ci/attest/sign", "ci/attest/statements", "ci/base", "ci/base/builtin", "ci/config", "ci/engine", "ci/fault", "ci/finding", "ci/gocache", "ci/image", "ci/inspect", "ci/layer", "ci/output", "ci/pins", "ci/plan", "ci/policy", "ci/process", "ci/project", "ci/reach", "ci/receipt", "ci/registry", "ci/registry/auth", "ci/registry/publish", "ci/scan", "ci/source", "ci/step", "ci/tag", "ci/tool"},
	"ci/config":                   {"ci/fault", "ci/layer", "ci/pins", "ci/plan", "ci/project", "ci/source", "ci/step", "ci/tag"},
	"ci/registry":                 {"ci/ask", "ci/fault"},
	"ci/registry/auth":            {"ci/fault", "ci/process"},
	"ci/registry/publish":         {"ci/attest", "ci/fault", "ci/registry", "ci/step"},
	"ci/registry/registrytest":    nil,
	"ci/attest":                   nil,
	"ci/verify/checkout":          {"ci/fault", "ci/plain", "ci/process"},
	"ci/verify":                   {"ci/attest", "ci/attest/provenance", "ci/attest/purl", "ci/attest/sbom", "ci/attest/sign", "ci/config", "ci/fault", "ci/finding", "ci/image", "ci/inspect", "ci/plain", "ci/plan", "ci/registry", "ci/step", "ci/verify/checkout"},
	"ci/replay":                   {"ci/config", "ci/fault", "ci/finding", "ci/plain", "ci/plan", "ci/receipt", "ci/report", "ci/step", "ci/verify/checkout"},
	"ci/attest/vuln":              {"ci/attest", "ci/attest/provenance", "ci/attest/purl", "ci/attest/urn", "ci/finding", "ci/plan", "ci/receipt"},
	"ci/attest/urn":               nil,
	"ci/attest/statements":        {"ci/attest", "ci/attest/provenance", "ci/attest/sbom", "ci/attest/vuln", "ci/receipt"},
	"ci/attest/sign":              {"ci/attest", "ci/fault"},
	"ci/attest/sign/signtest":     {"ci/attest/sign"},
	"ci/attest/sbom":              {"ci/attest", "ci/attest/purl", "ci/attest/urn", "ci/inspect", "ci/plan"},
	"ci/attest/purl":              nil,
	"ci/attest/provenance":        {"ci/attest", "ci/attest/purl", "ci/inspect", "ci/plan", "ci/receipt"},
	"ci/attest/licence":           nil,
	"ci/attest/keyless/virtual":   nil,
	"ci/attest/keyless":           {"ci/ask", "ci/attest", "ci/attest/sign", "ci/fault", "ci/process", "ci/step", "ci/tool"},
	"ci/tag":                      {"ci/fault", "ci/plan"},
	"ci/pins":                     {"ci/fault", "ci/plan"},
	"ci/project":                  {"ci/fault", "ci/process"},
	"ci/engine":                   {"ci/finding", "ci/plan", "ci/step"},
	"ci/engine/local":             {"ci/cache", "ci/container", "ci/engine", "ci/engine/gocmd", "ci/fault", "ci/finding", "ci/plan", "ci/process", "ci/step", "ci/tool", "ci/trial", "ci/trial/runner"},
	"ci/engine/dagger":            {"ci/cache", "ci/engine", "ci/engine/gocmd", "ci/fault", "ci/finding", "ci/plan", "ci/process", "ci/source", "ci/step", "ci/tool", "ci/trial", "ci/trial/runner"},
	"ci/gocache":                  {"ci/attest", "ci/attest/sign", "ci/cache", "ci/registry"},
	"ci/answer":                   {"ci/attest/sign", "ci/cache", "ci/gocache", "ci/plan"},
	"ci/engine/native":            {"ci/cache", "ci/fault", "ci/process", "ci/step"},
	"ci/engine/native/distconsts": nil,
	"ci/engine/native/gate":       nil,
	"ci/engine/gocmd":             {"ci/cache", "ci/engine", "ci/fault", "ci/finding", "ci/plan", "ci/source", "ci/step"},
	"ci/bench":                    {"ci/e2e/rig", "ci/layer", "ci/pins"},
	"ci/ask":                      {"ci/fault"},
	"ci/base":                     {"ci/ask", "ci/base/builtin", "ci/fault", "ci/plan"},
	"ci/base/builtin":             {"ci/layer", "ci/plan"},
	"ci/image":                    {"ci/plan"},
	"ci/inspect":                  {"ci/ask", "ci/fault", "ci/inspect/leak", "ci/plan", "ci/step"},
	"ci/inspect/leak":             nil,
	"ci/layer":                    {"ci/cache"},
	"ci/output":                   {"ci/cache", "ci/image", "ci/plan"},
	"ci/container":                {"ci/fault", "ci/plan", "ci/process"},
	"ci/term":                     {"ci/fault", "ci/plain", "ci/step"},
	"ci/gha":                      {"ci/attest", "ci/fault", "ci/finding", "ci/plain", "ci/receipt", "ci/step"},
	"ci/source":                   {"ci/fault"},
	"ci/e2e/rig/actions":          nil,
	"ci/e2e/rig":                  {"ci/base/builtin", "ci/layer", "ci/pins", "ci/plan", "ci/process", "ci/step", "ci/tool"},
	"ci/tool":                     {"ci/fault", "ci/plan", "ci/process", "ci/step"},
	"ci/scaffold":                 {"ci/fault"},
	"ci/scan":                     {"ci/ask", "ci/cache", "ci/engine", "ci/fault", "ci/finding", "ci/plan"},
	"ci/reach":                    {"ci/fault", "ci/finding"},
	"ci/policy":                   {"ci/fault", "ci/finding", "ci/plan"},
	"ci/report":                   {"ci/attest", "ci/fault", "ci/finding", "ci/inspect", "ci/plain", "ci/plan", "ci/receipt", "ci/step"},
	"ci/receipt":                  {"ci/finding", "ci/inspect", "ci/plan", "ci/step"},
	"ci/trial":                    {"ci/engine", "ci/fault", "ci/layer", "ci/trial/runner"},
	"ci/trial/runner":             nil,
	"ci/trial/runner/command":     {"ci/trial/runner"},
	"ci/finding":                  {"ci/plain"},
	"ci/plain":                    nil,
	"ci/cache":                    nil,
	"ci/process":                  nil,
	"ci/fault":                    nil,
	"ci/plan":                     nil,
	"ci/step":                     nil,
}

// exclusive are modules that only one package may import.
var exclusive = map[string]string{
	"github.com/moby/buildkit/":             "ci/pins",
	"dagger.io/dagger":                      "ci/engine/dagger",
	"golang.org/x/mod/modfile":              "ci/project",
	"go.yaml.in/yaml/v3":                    "ci/config",
	"github.com/sethvargo/go-githubactions": "ci/gha",
}

func TestImports_PointOneWay(t *testing.T) {
	t.Parallel()
	used := map[string][]string{}
	for dir, imports := range productImports(t) {
		may, known := allowed[dir]
		require.True(t, known, "package %s is not in the import graph: add it, with what it may import", dir)
		for _, path := range imports {
			if room, ours := strings.CutPrefix(path, module); ours {
				require.Contains(t, may, room, "%s must not import %s", dir, room)
				used[dir] = append(used[dir], room)
			}
			for prefix, owner := range exclusive {
				if strings.HasPrefix(path, prefix) {
					require.Equal(t, owner, dir, "only %s may import %s", owner, prefix)
				}
			}
		}
	}
	for dir, may := range allowed {
		for _, room := range may {
			require.Contains(t, used[dir], room, "the graph allows %s to import %s, which it does not: take it out", dir, room)
		}
	}
}

// productImports reads the imports of every package of the root module without tests.
func productImports(t *testing.T) map[string][]string {
	t.Helper()
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	all := map[string][]string{}
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if slices.Contains([]string{"testdata", "tools", "vendor"}, d.Name()) || rel != "." && strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir
			}
			if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil && rel != "." {
				return fs.SkipDir // a module of its own
			}
			return nil
		}
		if !strings.HasSuffix(rel, ".go") || strings.HasSuffix(rel, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		if len(file.Comments) > 0 && file.Comments[0].List[0].Text == "//go:build ignore" {
			return nil // the source of a program in a module of its own
		}
		dir := filepath.ToSlash(filepath.Dir(rel))
		all[dir] = append(all[dir], []string{}...)
		for _, i := range file.Imports {
			path, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			all[dir] = append(all[dir], path)
		}
		return nil
	})
	require.NoError(t, err)
	return all
}
