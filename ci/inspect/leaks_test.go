package inspect_test

import (
	"archive/tar"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/inspect"
)

// alnum is n characters as a token has them. No token is written into this file
// whole: those who look for secrets in repositories would find it.
func alnum(n int) string { return strings.Repeat("a8Kd0ZqW3xLm7RtY5bVc", 10)[:n] }

func githubToken() string { return "ghp_" + alnum(36) }

// machine are the names of one that built an image.
var machine = []inspect.Forbidden{
	{What: "the source folder", Text: "/home/skipper/src/tide"}, {What: "the home folder", Text: "/home/skipper"},
	{What: "the host name", Text: "dock-7"}, {What: "the user name", Text: "skipper"},
}

// leaking is a change to a clean image that makes it break one rule, and its twin one
// that looks alike and breaks none.
type leaking struct {
	id, says     string
	change, twin func(*testing.T, *spec)
}

// inFile is a leak in the bytes of a file.
func inFile(id, secret, twin string) leaking {
	with := func(body string) func(*testing.T, *spec) {
		return func(t *testing.T, s *spec) { s.add(t, file("app/settings", 0o644, "a: "+body+"\n")) }
	}
	return leaking{id, "/app/settings", with(secret), with(twin)}
}

// named is a leak by the name of a file.
func named(id, path, twin string) leaking {
	with := func(path string) func(*testing.T, *spec) {
		return func(t *testing.T, s *spec) { s.add(t, file(path, 0o644, "x")) }
	}
	return leaking{id, "/" + path, with(path), with(twin)}
}

// said is a leak in what an image says of itself.
func said(id, says, secret, twin string, say func(*spec, string)) leaking {
	with := func(text string) func(*testing.T, *spec) {
		return func(_ *testing.T, s *spec) { say(s, text) }
	}
	return leaking{id, says, with(secret), with(twin)}
}

func keyOf(kind string) string {
	return "-----BEGIN " + kind + "-----\n" + alnum(64) + "\n" + alnum(50) + "\n-----END " + kind + "-----\n"
}

func leakings() []leaking {
	header := func(change func(*tar.Header)) func(*testing.T, *spec) {
		return func(t *testing.T, s *spec) {
			e := file("app/page", 0o644, "x")
			change(&e.Header)
			s.add(t, e)
		}
	}
	const deploy = "com.example.deploy"
	label := func(s *spec, text string) { s.config.Labels = map[string]string{deploy: text} }
	env := func(s *spec, text string) { s.config.Env = append(s.config.Env, "SETTING="+text) }
	return []leaking{
		named("leak/env-file", "app/.env", "app/.env.example"),
		named("leak/env-file", "app/.env.production", "app/env.production"),
		named("leak/git", "app/web/.git", "app/web/.gitignore"),
		{
			"leak/git", "/app/web/.git", func(t *testing.T, s *spec) {
				s.add(t, dir("app/web/.git", 0o755), file("app/web/.git/HEAD", 0o644, "ref"), file("app/web/.git/config", 0o644, "x"))
			}, func(t *testing.T, s *spec) {
				s.add(t, dir("app/web/.github", 0o755), file("app/web/.github/CODEOWNERS", 0o644, "x"))
			},
		},
		named("leak/credentials-file", "home/nonroot/.docker/config.json", "home/nonroot/config.json"),
		named("leak/credentials-file", "home/nonroot/.aws/credentials", "home/nonroot/credentials"),
		{
			"leak/credentials-file", "/app/.npmrc", func(t *testing.T, s *spec) { s.add(t, file("app/a", 0o644, "x"), hardLink("app/.npmrc", "app/a")) },
			func(t *testing.T, s *spec) { s.add(t, dir("app/.npmrc", 0o755)) },
		},
		named("leak/key-file", "home/nonroot/.ssh/id_ed25519", "home/nonroot/.ssh/id_ed25519.pub"),
		named("leak/key-file", "app/server.pfx", "app/server.crt"),
		inFile("leak/private-key", keyOf("EC PRIVATE KEY"), keyOf("EC PUBLIC KEY")),
		{
			"leak/private-key", "/app/server", func(_ *testing.T, s *spec) { s.program = append(s.program, keyOf("PRIVATE KEY")...) },
			func(t *testing.T, s *spec) { s.add(t, file("usr/lib/libgnutls.so.30", 0o644, keyOf("PRIVATE KEY"))) },
		},
		inFile("leak/age-key", "AGE-SECRET-KEY-1"+strings.ToUpper(alnum(58)), "AGE-SECRET-KEY-1..."),
		inFile("leak/aws-key", "AKIA"+"Z2ZTJ5Q7RWLXOP3M", "AKIA"+"IOSFODNN7EXAMPLE"),
		inFile("leak/github-token", githubToken(), "ghp_"+strings.Repeat("x", 36)),
		inFile("leak/gitlab-token", "glpat-"+alnum(20), "glpat-"+"your-token-comes-here"),
		inFile("leak/slack-token", "xoxb-"+"123456789012-"+alnum(24), "xoxb-"+"your-token-comes-here"),
		inFile("leak/google-key", "AIzaSy"+alnum(33), "AIzaSy"),
		inFile("leak/stripe-key", "sk_live_"+alnum(24), "sk_test_"+alnum(24)),
		inFile("leak/npm-token", "npm_"+alnum(36), "npm_"+alnum(20)),
		inFile("leak/pypi-token", "pypi-"+"AgEIcHlwaS5vcmc"+alnum(60), "pypi-"),
		inFile("leak/docker-token", "dckr_pat_"+alnum(27), "dckr_pat_"),
		inFile("leak/docker-auth", `{"auth": "`+base64.StdEncoding.EncodeToString([]byte("robot:"+alnum(9)))+`"}`, `{"auth": "basic"}`),
		inFile("leak/vault-token", "hvs."+alnum(90), "hvs.field"),
		inFile("leak/url-password", "postgres://tide:"+alnum(16)+"@db/tide", "postgres://user:password@db/tide"),
		inFile("leak/build-path", "/home/skipper/src/tide/main.go", "example.com/home/skipper/src/tide/main.go"),
		inFile("leak/machine-name", "built on dock-7", "built on dock-77 by skipper"),

		said("leak/github-token", "label "+deploy, githubToken(), "a digest", label),
		said("leak/aws-key", "env SETTING", "AKIA"+"IOSFODNN7EXAMPLE", "AKIA", env),
		said("leak/url-password", "env SETTING", "redis://:hunter2@cache", "redis://:$PASSWORD@cache", env),
		said("leak/jwt", "label "+deploy, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0."+alnum(43), "eyJhbGciOiJIUzI1NiJ9", label),
		said("leak/build-path", "the source folder: label "+deploy, "/home/skipper/src/tide", "/src/tide", label),
		said("leak/machine-name", "the host name: env SETTING", "dock-7", "dock", env),
		said("leak/github-token", "argument 2", githubToken(), "--token", func(s *spec, text string) { s.config.Cmd = []string{"serve", text} }),
		said("leak/github-token", "entrypoint word 2", githubToken(), "--token", func(s *spec, text string) { s.config.Entrypoint = append(s.config.Entrypoint, text) }),
		said("leak/github-token", "history entry 2", githubToken(), "ARG TOKEN", func(s *spec, text string) {
			s.configure = func(f *v1.ConfigFile) { f.History[1].CreatedBy = "RUN login " + text }
		}),
		said("leak/machine-name", "configuration author", "dock-7", "somebody", func(s *spec, text string) {
			s.configure = func(f *v1.ConfigFile) { f.Author = text }
		}),
		said("leak/github-token", "configuration config.Healthcheck.Test.2", githubToken(), "curl", func(s *spec, text string) {
			s.config.Healthcheck = &v1.HealthConfig{Test: []string{"CMD", text}}
		}),
		said("leak/github-token", "annotation a", githubToken(), "b", func(s *spec, text string) { s.onManifest = map[string]string{"a": text} }),
		said("leak/github-token", "annotation a", githubToken(), "b", func(s *spec, text string) { s.onEntry = map[string]string{"a": text} }),
		said("leak/github-token", "annotation a", githubToken(), "b", func(s *spec, text string) { s.onIndex = map[string]string{"a": text} }),
		{
			"leak/build-path", "/home/skipper/src/tide/page", header(func(h *tar.Header) { h.Name = "home/skipper/src/tide/page" }),
			header(func(h *tar.Header) { h.Name = "home/skippers/src/page" }),
		},
		{
			"leak/build-path", "/app/page", func(t *testing.T, s *spec) { s.add(t, link("app/page", "/home/skipper/src/tide/page")) },
			func(t *testing.T, s *spec) { s.add(t, link("app/page", "/src/tide/page")) },
		},
		{"leak/machine-name", "/app/page", header(func(h *tar.Header) { h.Uname = "dock-7" }), header(func(h *tar.Header) { h.Uname = "skipper" })},

		{
			"leak/github-token", "in a lower layer, which a higher one only hides: /app/settings", func(t *testing.T, s *spec) {
				s.add(t, file("app/settings", 0o644, githubToken()))
				s.add(t, file("app/.wh.settings", 0, ""))
			}, func(t *testing.T, s *spec) {
				s.add(t, file("app/settings", 0o644, "x"))
				s.add(t, file("app/.wh.settings", 0, ""))
			},
		},
		{
			"leak/env-file", "only hides: /app/.env", func(t *testing.T, s *spec) {
				s.add(t, file("app/.env", 0o600, "TOKEN=a"))
				s.add(t, dir("app", 0o755), file("app/.wh..wh..opq", 0, ""), file("app/server", 0o755, string(s.program)))
			}, func(t *testing.T, s *spec) { s.add(t, file("app/.wh..env", 0, "")) },
		},
		{
			"leak/github-token", "only hides: /app/settings", func(t *testing.T, s *spec) {
				s.add(t, file("app/settings", 0o644, githubToken()))
				s.add(t, file("app/settings", 0o644, "harmless"))
			}, func(t *testing.T, s *spec) { s.add(t, file("app/settings", 0o644, "harmless")) },
		},
		{
			"leak/unread", "a file with holes, which was not searched: /app/sparse", func(t *testing.T, s *spec) {
				s.above = []v1.Layer{static.NewLayer(sparse("app/sparse"), types.OCIUncompressedLayer)}
			}, func(t *testing.T, s *spec) { s.add(t, file("app/sparse", 0o644, strings.Repeat("\x00", 1<<20))) },
		},
	}
}

// Each rule has an image that breaks it and no other, and one that looks alike and
// keeps them all.
func TestJudge_FindsEachLeak(t *testing.T) {
	t.Parallel()
	for _, c := range leakings() {
		t.Run(c.id+" "+c.says, func(t *testing.T) {
			t.Parallel()
			s, twin := clean(t), clean(t)
			s.options.Forbidden, twin.options.Forbidden = machine, machine
			c.change(t, s)
			found := inspect.Judge(s.report(t), s.policy)
			require.Equal(t, []string{c.id}, ids(found))
			require.Contains(t, found[0].What, c.says)
			require.NotEmpty(t, found[0].Fix)
			require.Equal(t, inspect.High, found[0].Severity)
			require.Equal(t, finding.GateLeaks, found[0].Gate())
			c.twin(t, twin)
			require.Empty(t, inspect.Judge(twin.report(t), twin.policy))
		})
	}
}

// No rule is decoration: each that the source has is broken by one of the mutations.
func TestJudge_HasAMutationForEachRule(t *testing.T) {
	t.Parallel()
	broken := map[string]bool{"size-unjudged": true} // TestOpen_ReadsAnArchiveOfUncompressedLayers
	for _, c := range mutations() {
		broken[c.id] = true
	}
	for _, c := range leakings() {
		broken[c.id] = true
	}
	rules := append(calls(t, "judge.go"), calls(t, "rules.go")...)
	require.Greater(t, len(rules), 25)
	for _, c := range constants(t, "leak/leak.go") {
		rules = append(rules, "leak/"+c)
	}
	rules = append(rules, "leak/unread")
	slices.Sort(rules)
	require.Equal(t, slices.Compact(rules), slices.Sorted(maps.Keys(broken)))
}

// calls are the IDs that a file of this package gives to findings.
func calls(t *testing.T, file string) []string {
	t.Helper()
	return texts(t, file, func(n ast.Node) ast.Expr {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) < 4 {
			return nil
		}
		if f, ok := call.Fun.(*ast.SelectorExpr); !ok || f.Sel.Name != "add" && f.Sel.Name != "list" {
			return nil
		}
		return call.Args[0]
	})
}

// constants are the texts of the constants of a file.
func constants(t *testing.T, file string) []string {
	t.Helper()
	return texts(t, file, func(n ast.Node) ast.Expr {
		if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 {
			return v.Values[0]
		}
		return nil
	})
}

func texts(t *testing.T, file string, of func(ast.Node) ast.Expr) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	require.NoError(t, err)
	var all []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		if n == nil {
			return false
		}
		if literal, ok := of(n).(*ast.BasicLit); ok && literal.Kind == token.STRING {
			text, err := strconv.Unquote(literal.Value)
			require.NoError(t, err)
			all = append(all, text)
		}
		return true
	})
	return all
}

// What looks like a leak and is none.
func TestJudge_LeavesAloneWhatLeaksNothing(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*testing.T, *spec){
		"names that are short or words": func(t *testing.T, s *spec) {
			s.options.Forbidden = []inspect.Forbidden{{What: "the source folder", Text: "/app"}, {What: "the host name", Text: "debian"}, {What: "the user name", Text: "root"}, {What: "the home folder", Text: "/root"}}
			s.add(t, file("root/x", 0o644, "root@debian:/root /app"))
		},
		"a program that knows what keys look like": func(_ *testing.T, s *spec) {
			s.program = append(s.program, "-----BEGIN RSA PRIVATE KEY----------BEGIN EC PRIVATE KEY-----ghp_github_pat_AKIAASIAxoxb-sk_live_AIzaSyAGE-SECRET-KEY-1https://user:pass@host"...)
		},
		"a machine that is like the image": func(_ *testing.T, s *spec) {
			s.options.Forbidden = []inspect.Forbidden{{What: "the home folder", Text: "/home/nonroot"}, {What: "the source folder", Text: "/srv/tide/"}}
			s.config.Labels, s.config.WorkingDir = map[string]string{"a": "/home/nonroot/x", "b": "/srv/tide"}, "/srv/tide"
		},
		"certificates": func(t *testing.T, s *spec) {
			s.add(t, file("etc/ssl/certs/ca-certificates.crt", 0o644, certificate(t, noon.AddDate(1, 0, 0))))
		},
		"a virtual environment of Python": func(t *testing.T, s *spec) { s.add(t, dir("app/.env", 0o755), file("app/.env/pyvenv.cfg", 0o644, "x")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := clean(t)
			change(t, s)
			require.Empty(t, inspect.Judge(s.report(t), s.policy))
		})
	}
}

// One rule is one finding, however many places break it, and two where lower layers
// break it as well.
func TestJudge_GathersLeaks(t *testing.T) {
	t.Parallel()
	s := clean(t)
	s.options.Forbidden = machine
	s.config.Labels = map[string]string{"a": githubToken()}
	var entries []entry
	for i := range 150 {
		entries = append(entries, file("app/"+strconv.Itoa(1000+i), 0o644, githubToken()+" "+githubToken()))
	}
	s.add(t, file("app/gone", 0o644, githubToken()))
	s.add(t, append(entries, file("app/.wh.gone", 0, ""), file("app/paths", 0o644, "/home/skipper/src/tide /home/skipper/go"))...)
	r := s.report(t)
	found := inspect.Judge(r, s.policy)
	require.Equal(t, []string{"leak/build-path", "leak/github-token", "leak/github-token"}, ids(found))
	require.Equal(t, "it names the machine that built it, by the home folder and the source folder: /app/paths", found[0].What)
	require.Equal(t, "it has a GitHub token: /app/1000, /app/1001, /app/1002 and 148 more", found[1].What)
	require.Equal(t, []string{"/app/gone"}, found[2].Paths)
	leaks := r.Images[0].Leaks
	require.Equal(t, 301, leaks[2].Count)
	require.Equal(t, 151, leaks[2].Places.Count)
	require.True(t, leaks[3].Hidden)
}

// Whatever an image says of itself, a report does not say the secret again.
func TestReport_HasNoSecret(t *testing.T) {
	t.Parallel()
	secret := alnum(36)
	token := "ghp_" + secret
	s := clean(t)
	s.config.Labels = map[string]string{"deploy": "with " + token, token: "x"}
	s.config.Env = append(s.config.Env, token+"="+token)
	s.config.Cmd = []string{"--token", token}
	s.config.WorkingDir = "/" + token
	s.onManifest = map[string]string{token: token}
	s.configure = func(f *v1.ConfigFile) { f.History[1].CreatedBy, f.History[2].CreatedBy = token, token }
	s.add(t, file("app/settings", 0o644, token))
	j := inspect.NewJudgement(s.report(t), nil, s.policy)
	require.Equal(t, []string{"leak/github-token"}, ids(j.Findings))
	require.Equal(t, "with ghp_***", j.Images[0].Config.Labels["deploy"])
	require.Equal(t, "ghp_***", j.Images[0].Layers[1].CreatedBy)
	asJSON, err := json.Marshal(j)
	require.NoError(t, err)
	var text bytes.Buffer
	require.NoError(t, j.Text(&text))
	require.NotContains(t, string(asJSON), secret)
	require.NotContains(t, text.String(), secret)
	require.NotRegexp(t, `ghp_\w`, string(asJSON))
	for _, place := range []string{"annotation ghp_***", "argument 2", "env ghp_***", "history entry 2", "history entry 3", "label deploy", "label ghp_***", "/app/settings"} {
		require.Contains(t, j.Images[0].Leaks[0].Places.Paths, place)
	}
}

// The same is found wherever the image lies.
func TestLeaks_AreTheSameFromEverywhere(t *testing.T) {
	t.Parallel()
	s := clean(t)
	s.options.Forbidden = machine
	s.onIndex, s.onEntry = map[string]string{"i": githubToken()}, map[string]string{"e": githubToken()}
	s.add(t, file("app/.env", 0o644, "on dock-7"))
	want := s.report(t).Images[0].Leaks
	require.Len(t, want, 3)
	folder := inLayout(t, s.index(t))
	for _, place := range []string{folder, archived(t, folder)} {
		got, err := open(t, place, s.options)
		require.NoError(t, err)
		require.Equal(t, want, got.Images[0].Leaks)
	}
	tag, err := name.NewTag("localhost/server:v1")
	require.NoError(t, err)
	docker := t.TempDir() + "/image.tar"
	require.NoError(t, tarball.WriteToFile(docker, tag, s.image(t)))
	got, err := open(t, docker, s.options)
	require.NoError(t, err)
	require.Equal(t, []string{"leak/env-file", "leak/machine-name"}, ids(inspect.Judge(got, s.policy)), "an archive of docker save has no annotations")
}
