package pipeline_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest/sign/signtest"
	"example.com/slipway/ci/config"
	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/pipeline"
	"example.com/slipway/ci/plan"
)

// compiler is an engine that has a build cache, of one object.
type compiler struct {
	*fake
	objects string
	modules string
	// asked are the mains that Needs was asked about at once, for each platform.
	asked map[string][]string
}

func (c *compiler) chosen(context.Context, plan.Run) (engine.Engine, string, error) {
	return c, "", nil
}
func (c *compiler) Objects() string                 { return c.objects }
func (c *compiler) UseModules(dir string, _ func()) { c.modules = dir }
func (c *compiler) Collect(context.Context) error   { return nil }
func (c *compiler) object() string                  { return filepath.Join(c.objects, objectName[:2], objectName+"-d") }
func (c *compiler) compile(engine.Target) error     { return writeAll(c.object(), "object") }
func (c *compiler) module(name string) string       { return filepath.Join(c.dir, "mod", name) }
func writeAll(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, []byte(text), 0o644)
}

func (c *compiler) Needs(_ context.Context, u engine.Target) (engine.Needs, error) {
	if c.asked == nil {
		c.asked = map[string][]string{}
	}
	for _, m := range u.Mains {
		c.asked[u.Platform.String()] = append(c.asked[u.Platform.String()], m.Name)
	}
	c.asked["times"] = append(c.asked["times"], "once")
	err := writeAll(c.module("example.com/dep@v1.0.0/dep.go"), "package dep\n")
	return engine.Needs{
		Archives: map[string]string{c.object(): "example.com/tide"},
		Cache:    filepath.Join(c.dir, "mod"), Modules: map[string]string{"example.com/dep@v1.0.0/dep.go": "example.com/dep", "example.com/dep@v1.0.0": "example.com/dep"},
	}, err
}

var objectName = func() string {
	sum := sha256.Sum256([]byte("object"))
	return hex.EncodeToString(sum[:])
}()

// machine is a pipeline on a machine of its own.
func machine(t *testing.T, env ...string) (*pipeline.Pipeline, *compiler, *notes) {
	t.Helper()
	c := &compiler{fake: &fake{}, objects: filepath.Join(t.TempDir(), "go-build")}
	c.during = c.compile
	p, told := service(t, c.fake, nil)
	p.Engine = c.chosen
	// What this process runs in, a pull request for example, is not the test's.
	p.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	return p, c, told
}

// with says where caches are.
func with(from, to string) pipeline.Said {
	return func(f *config.File) (*config.Said, error) {
		said, err := file(f)
		said.CacheFrom, said.CacheTo, said.Platform = from, to, []string{"linux/amd64"}
		return said, err
	}
}

func TestBuild_SavesCachesAndRestoresThem(t *testing.T) {
	t.Parallel()
	store := t.TempDir()
	p, _, _ := machine(t)
	_, err := p.Build(t.Context(), with("", store))
	require.NoError(t, err)
	other, c, told := machine(t)
	c.during = func(engine.Target) error {
		text, err := os.ReadFile(c.object())
		require.Equal(t, "object", string(text))
		require.FileExists(t, filepath.Join(c.modules, "example.com", "dep@v1.0.0", "dep.go"))
		return err
	}
	_, err = other.Build(t.Context(), with(store, ""))
	require.NoError(t, err)
	require.NotContains(t, strings.Join(told.text, "\n"), "cache")
}

func TestBuild_AsksOnceForEachPlatformWhatToSave(t *testing.T) {
	t.Parallel()
	c := &compiler{fake: &fake{}, objects: filepath.Join(t.TempDir(), "go-build")}
	c.during = c.compile
	main := "package main\n\nfunc main() {}\n"
	p, _ := service(t, c.fake, map[string]string{"cmd/ebb/main.go": main, "cmd/flow/main.go": main})
	p.Engine, p.Env = c.chosen, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	_, err := p.Build(t.Context(), func(f *config.File) (*config.Said, error) {
		said, err := with("", t.TempDir())(f)
		said.Main, said.Platform = []string{"all"}, []string{"linux/amd64", "linux/arm64"}
		return said, err
	})
	require.NoError(t, err)
	all := []string{"tide", "ebb", "flow"}
	require.Equal(t, map[string][]string{"linux/amd64": all, "linux/arm64": all, "times": {"once", "once"}}, c.asked)
}

func TestBuild_SavesNothingOfARunThatFails(t *testing.T) {
	t.Parallel()
	store := filepath.Join(t.TempDir(), "cache")
	p, c, _ := machine(t)
	c.during = func(u engine.Target) error {
		_ = c.compile(u)
		return fault.New(fault.Source, "broken")
	}
	_, err := p.Build(t.Context(), with(store, store))
	require.Error(t, err)
	require.NoDirExists(t, store)
}

func TestBuild_GoesOnWithoutACacheThatIsOfNoUse(t *testing.T) {
	t.Parallel()
	store := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(store, "index.json"), []byte("{"), 0o644))
	p, _, told := machine(t)
	_, err := p.Build(t.Context(), with(store, ""))
	require.NoError(t, err)
	require.Contains(t, strings.Join(told.text, "\n"), "the cache "+store+" is of no use")
}

func TestBuild_SavesNothingOfSomebodyElsesPullRequest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		event, text string
		saved       bool
	}{
		"a push":              {"push", "", true},
		"their own":           {"pull_request", `{"pull_request":{"head":{"repo":{"full_name":"team/tide"}},"base":{"repo":{"full_name":"team/tide"}}}}`, true},
		"a fork":              {"pull_request", `{"pull_request":{"head":{"repo":{"full_name":"else/tide"}},"base":{"repo":{"full_name":"team/tide"}}}}`, false},
		"a fork's target":     {"pull_request_target", `{"pull_request":{"head":{"repo":{"full_name":"else/tide"}},"base":{"repo":{"full_name":"team/tide"}}}}`, false},
		"a fork that is gone": {"pull_request", `{"pull_request":{"head":{"repo":null},"base":{"repo":{"full_name":"team/tide"}}}}`, false},
		"no text":             {"pull_request", `{`, false},
		"no pull request":     {"pull_request", `{}`, false},
		"no file":             {"pull_request", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			event, store := filepath.Join(t.TempDir(), "event.json"), filepath.Join(t.TempDir(), "cache")
			if c.text != "" {
				require.NoError(t, os.WriteFile(event, []byte(c.text), 0o644))
			}
			p, _, _ := machine(t, "GITHUB_EVENT_NAME="+c.event, "GITHUB_EVENT_PATH="+event)
			_, err := p.Build(t.Context(), with("", store))
			require.NoError(t, err)
			_, err = os.Stat(filepath.Join(store, "index.json"))
			require.Equal(t, c.saved, err == nil)
		})
	}
}

func TestPublish_RestoresNothingUnlessTheCacheIsTrusted(t *testing.T) {
	t.Parallel()
	store := t.TempDir()
	p, _, _ := machine(t)
	_, err := p.Build(t.Context(), with("", store))
	require.NoError(t, err)
	for _, trusted := range []bool{false, true} {
		other, c, told := machine(t)
		c.during = func(engine.Target) error {
			_, err := os.Stat(c.object())
			require.Equal(t, trusted, err == nil)
			return c.compile(engine.Target{})
		}
		_, err = other.Publish(t.Context(), func(f *config.File) (*config.Said, error) {
			said, err := with(store, "")(f)
			said.CacheTrusted, said.Target, said.Version, said.ImageTag = trusted, []string{"oci:" + t.TempDir()}, "v1.0.0", config.Lines{"type=raw,value=one"}
			said.Base, said.Sign = "builtin", "off"
			return said, err
		}, pipeline.Publish{AllowDirty: true, Checks: pipeline.Checks{Gates: []string{"size"}}})
		require.NoError(t, err)
		require.Contains(t, c.said, "build linux/amd64")
		require.Empty(t, c.modules)
		require.Equal(t, !trusted, strings.Contains(strings.Join(told.text, "\n"), "nothing is restored from "+store))
	}
}

// signing says who signs caches and who has to have signed them.
func signing(from, to, private string, public ...string) pipeline.Said {
	return func(f *config.File) (*config.Said, error) {
		said, err := with(from, to)(f)
		said.CacheSignKey, said.CacheKey = private, public
		return said, err
	}
}

func TestBuild_RestoresWhatATrustedKeySigned(t *testing.T) {
	t.Parallel()
	private, public := signtest.Files(t)
	other, stranger := signtest.Files(t)
	store, unsigned := t.TempDir(), t.TempDir()
	for to, key := range map[string]string{store: private, unsigned: ""} {
		p, _, _ := machine(t)
		_, err := p.Build(t.Context(), signing("", to, key))
		require.NoError(t, err)
	}
	for name, c := range map[string]struct {
		said pipeline.Said
		note string
	}{
		"its key":                   {signing(store, "", "", public), ""},
		"one of several":            {signing(store, "", "", stranger, public), ""},
		"who signs":                 {signing(store, "", private), ""},
		"nobody asks":               {signing(store, "", ""), ""},
		"another key":               {signing(store, "", "", stranger), "it is signed by somebody else"},
		"no signature":              {signing(unsigned, "", "", public), "it is not signed"},
		"who signs trusts itself":   {signing(unsigned, "", private), "it is not signed"},
		"who signs, and a stranger": {signing(store, "", other), "it is signed by somebody else"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, compiler, told := machine(t)
			compiler.during = func(engine.Target) error {
				_, err := os.Stat(compiler.object())
				require.Equal(t, c.note == "", err == nil)
				return compiler.compile(engine.Target{})
			}
			_, err := p.Build(t.Context(), c.said)
			require.NoError(t, err, "a cache that is not trusted is none")
			require.Contains(t, strings.Join(told.text, "\n"), c.note)
		})
	}
}

func TestPublish_RestoresWhatATrustedKeySigned(t *testing.T) {
	t.Parallel()
	private, public := signtest.Files(t)
	_, stranger := signtest.Files(t)
	store := t.TempDir()
	p, _, _ := machine(t)
	_, err := p.Build(t.Context(), signing("", store, private))
	require.NoError(t, err)
	for _, key := range []string{public, stranger} {
		other, c, _ := machine(t)
		c.during = func(engine.Target) error {
			_, err := os.Stat(c.object())
			require.Equal(t, key == public, err == nil)
			return c.compile(engine.Target{})
		}
		_, err = other.Publish(t.Context(), func(f *config.File) (*config.Said, error) {
			said, err := signing(store, "", "", key)(f)
			said.Target, said.Version, said.ImageTag = []string{"oci:" + t.TempDir()}, "v1.0.0", config.Lines{"type=raw,value=one"}
			said.Base, said.Sign = "builtin", "off"
			return said, err
		}, pipeline.Publish{AllowDirty: true, Checks: pipeline.Checks{Gates: []string{"size"}}})
		require.NoError(t, err)
		require.Contains(t, c.said, "build linux/amd64")
	}
}

func TestBuild_RefusesAKeyOfCachesThatIsNone(t *testing.T) {
	t.Parallel()
	for _, said := range []pipeline.Said{signing("", t.TempDir(), "missing"), signing(t.TempDir(), "", "", "missing")} {
		p, c, _ := machine(t)
		_, err := p.Build(t.Context(), said)
		require.Equal(t, fault.Usage, fault.KindOf(err))
		require.ErrorContains(t, err, "missing")
		require.NotContains(t, c.said, "build linux/amd64")
	}
}
