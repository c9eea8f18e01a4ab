package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/layer"
)

// lighthouse is a service with room for what should not be in an image.
var lighthouse = map[string]string{
	"go.mod":          "module example.com/lighthouse\n\ngo 1.25.0\n",
	"main.go":         "package main\n\nimport (\n\t_ \"embed\"\n\t\"fmt\"\n)\n\nvar token string\n\n//go:embed lamp.txt\nvar lamp string\n\nfunc main() { fmt.Print(token, lamp, beam) }\n",
	"beam.go":         "package main\n\nvar beam = \"white\"\n",
	"lamp.txt":        "lit\n",
	"site/index.html": "<p>lighthouse</p>\n",
}

// secretOf is a secret of that form which nobody has issued. It is put together here,
// so that no tool that searches repositories finds it.
func secretOf(prefix string, n int) string { return prefix + strings.Repeat("Q7ZT5JXR2KWL3OPA", 5)[:n] }

// Whatever way a secret takes into an image that is really built, one rule finds it,
// and the report does not say it again.
func TestLeaks_AreFoundInWhatIsBuilt(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	github, aws := secretOf("ghp_", 36), secretOf("AKIA", 16)
	pem := "-----BEGIN PRIVATE KEY-----\n" + secretOf("", 64) + "\n-----END PRIVATE KEY-----\n"
	for name, c := range map[string]struct {
		rule, place, secret string
		files               map[string]string
		args                []string
	}{
		"nothing":                      {args: []string{"--set", "main.token=none", "--label", "com.example.team=harbour", "--env", "LAMP=low", "--files", "/srv/site=./site"}},
		"the linker's -X":              {rule: "leak/github-token", place: "/app/lighthouse", secret: github, args: []string{"--set", "main.token=" + github}},
		"a constant among others":      {rule: "leak/github-token", place: "/app/lighthouse", secret: github, files: map[string]string{"beam.go": "package main\n\nvar beam = \"" + github + "\"\n"}},
		"an embedded file":             {rule: "leak/private-key", place: "/app/lighthouse", secret: secretOf("", 64), files: map[string]string{"lamp.txt": pem}},
		"a label":                      {rule: "leak/github-token", place: "label com.example.deploy", secret: github, args: []string{"--label", "com.example.deploy=" + github}},
		"a variable":                   {rule: "leak/aws-key", place: "env AWS_ACCESS_KEY_ID", secret: aws, args: []string{"--env", "AWS_ACCESS_KEY_ID=" + aws}},
		"a variable with a password":   {rule: "leak/url-password", place: "env DATABASE_URL", secret: "hunter2", args: []string{"--env", "DATABASE_URL=postgres://keeper:hunter2@db/lamps"}},
		"a git repository in a folder": {rule: "leak/git", place: "/srv/site/.git", files: map[string]string{"site/.git/HEAD": "ref: refs/heads/main\n", "site/.git/config": "[core]\n"}, args: []string{"--files", "/srv/site=./site"}},
		"a .env in a folder":           {rule: "leak/env-file", place: "/srv/site/.env", files: map[string]string{"site/.env": "LAMP=high\n"}, args: []string{"--files", "/srv/site=./site"}},
		"a login in a folder":          {rule: "leak/credentials-file", place: "/srv/site/.netrc", files: map[string]string{"site/.netrc": "machine a\n"}, args: []string{"--files", "/srv/site=./site"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src, out := t.TempDir(), t.TempDir()
			writeTree(t, src, lighthouse)
			writeTree(t, src, c.files)
			digestOf(t, buildSource(t, patience, src, environment(t), append(c.args, "--output", out)...))
			text := rig.Must(t, out, environment(t), slipway(t), "inspect", "--json", "./lighthouse")
			var j inspect.Judgement
			require.NoError(t, json.Unmarshal([]byte(text), &j))
			if c.rule == "" {
				require.Empty(t, j.Findings)
				return
			}
			require.Len(t, j.Findings, 1)
			require.Equal(t, c.rule, j.Findings[0].ID)
			require.Equal(t, finding.GateLeaks, j.Findings[0].Gate())
			require.Contains(t, j.Findings[0].What, c.place)
			if c.secret != "" {
				require.NotContains(t, text, c.secret[4:], "a report is no place for a secret")
			}
		})
	}
}

// A program that go build makes as it does by itself tells the folder of its source;
// the same put into the image with -trimpath does not, nor does what Slipway builds.
func TestLeaks_TellTheFolderOfTheSource(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	src, out := t.TempDir(), t.TempDir()
	writeTree(t, src, lighthouse)
	digestOf(t, buildSource(t, patience, src, environment(t), "--output", out))
	_, img := oneImage(t, out)
	names := []inspect.Forbidden{{What: "the source folder", Text: src}}
	judged := func(flags ...string) []inspect.Finding {
		program := filepath.Join(t.TempDir(), "program")
		env := append(rig.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOOS=linux", "GOARCH=amd64", "GOCACHE="+filepath.Join(cacheDir(t), "go-build"))
		rig.Must(t, src, env, "go", append(append([]string{"build", "-o", program}, flags...), ".")...)
		data, err := os.ReadFile(program)
		require.NoError(t, err)
		more, err := layer.New([]layer.File{{Path: "app/more", Mode: 0o755, Data: data}}, time.Unix(0, 0))
		require.NoError(t, err)
		whole, err := mutate.AppendLayers(img, more)
		require.NoError(t, err)
		source, err := inspect.OfImage(whole, inspect.Options{Forbidden: names})
		require.NoError(t, err)
		defer source.Close()
		r, err := source.Inspect(t.Context())
		require.NoError(t, err)
		return inspect.Judge(r, inspect.Policy{})
	}
	require.Empty(t, judged("-trimpath"))
	found := judged()
	require.Len(t, found, 1)
	require.Equal(t, "leak/build-path", found[0].ID)
	require.Equal(t, []string{"/app/more"}, found[0].Paths)
	require.NotContains(t, found[0].What, src)
}

// Programs that others wrote know what keys look like, have examples in their help and
// parse URLs with passwords. None of it is a leak.
func TestLeaks_AreNotSeenInServices(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	rig.Need(t, runtime.GOARCH == "amd64", "the services are built for linux/amd64")
	home, err := os.UserHomeDir()
	require.NoError(t, err)
	host, err := os.Hostname()
	require.NoError(t, err)
	requireNoLeak := func(t *testing.T, src string, args ...string) {
		t.Helper()
		out := t.TempDir()
		digestOf(t, buildSource(t, patience, src, environment(t), append(args, "--output", out)...))
		_, img := oneImage(t, out)
		source, err := inspect.OfImage(img, inspect.Options{Forbidden: []inspect.Forbidden{
			{What: "the source folder", Text: src}, {What: "the cache folder", Text: cacheDir(t)},
			{What: "the home folder", Text: home}, {What: "the host name", Text: host},
		}})
		require.NoError(t, err)
		defer source.Close()
		r, err := source.Inspect(t.Context())
		require.NoError(t, err)
		require.Empty(t, r.Images[0].Leaks)
	}
	t.Run("the sample", func(t *testing.T) {
		t.Parallel()
		requireNoLeak(t, repository(t))
	})
	for _, module := range []string{"github.com/caddyserver/caddy/v2", "github.com/nats-io/nats-server/v2", "github.com/rakyll/hey"} {
		i := slices.IndexFunc(services, func(s service) bool { return s.module == module })
		t.Run(module, func(t *testing.T) {
			t.Parallel()
			requireNoLeak(t, services[i].source(t), services[i].args()...)
		})
	}
}

// writeTree writes files by their slash paths.
func writeTree(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
}
