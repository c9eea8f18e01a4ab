package pipeline_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/pipeline"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/step"
)

// fake is an engine that builds nothing and can be made to go wrong.
type fake struct {
	// during runs while a platform is being built.
	during func(engine.Target) error
	// unset and absent are its answer about -X settings.
	unset, absent []string
	// questions counts how often it was asked for sources.
	questions int
	// sources are those of every platform; none are go.mod and main.go.
	sources []string
	// broken is what testing ends with.
	broken error
	// tests are what it finds, and asked what it was asked to.
	tests finding.Tests
	asked engine.Tests
	// dir is where its programs lie.
	dir string

	mu   sync.Mutex
	said []string
}

func (f *fake) note(word string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.said = append(f.said, word)
}

func (f *fake) Test(_ context.Context, asked engine.Tests, _ step.Step) (*finding.Tests, error) {
	f.note("test")
	f.asked = asked
	found := f.tests
	return &found, f.broken
}

func (f *fake) Scan(context.Context, engine.Scan, step.Step) (engine.Scanned, error) {
	return engine.Scanned{}, nil
}

func (f *fake) Reach(context.Context, engine.Reach, step.Step) ([]byte, error) { return nil, nil }

func (f *fake) Platform(context.Context) (plan.Platform, error) {
	return plan.Platform{OS: "linux", Arch: "amd64"}, nil
}

func (f *fake) Smoke(context.Context, engine.Smoke, step.Step) (engine.Smoked, error) {
	return engine.Smoked{}, nil
}

func (f *fake) Close() error { return nil }

func (f *fake) Name() string { return "fake" }

func (f *fake) Version() string { return "v1" }

func (f *fake) Prepare(_ context.Context, _ engine.Source, b engine.Builder, _ step.Step) (engine.Toolchain, error) {
	f.note("prepare")
	return engine.Toolchain{Release: b.Release}, nil
}

func (f *fake) Sources(_ context.Context, targets ...engine.Target) ([]engine.SourceSet, error) {
	f.questions++
	files := f.sources
	if len(files) == 0 {
		files = []string{"go.mod", "main.go"}
	}
	return slices.Repeat([]engine.SourceSet{{Files: files, Unset: f.unset, Absent: f.absent}}, len(targets)), nil
}

func (f *fake) Exec(_ context.Context, argv []string, _ step.Step) error {
	f.note("exec " + argv[0])
	return nil
}

func (f *fake) Build(_ context.Context, t engine.Target, _ engine.SourceSet, _ step.Step) (engine.Result, error) {
	f.note("build " + t.Platform.String())
	if f.during != nil {
		if err := f.during(t); err != nil {
			return engine.Result{}, err
		}
	}
	file := filepath.Join(f.dir, t.Platform.Arch)
	text := []byte("program")
	if err := os.WriteFile(file, text, 0o755); err != nil {
		return engine.Result{}, err
	}
	sum := sha256.Sum256(text)
	return engine.Result{Binaries: []engine.Binary{{Main: t.Mains[0], Platform: t.Platform, File: file, SHA256: hex.EncodeToString(sum[:]), Size: 7}}}, nil
}

func (f *fake) chosen(context.Context, plan.Run) (engine.Engine, string, error) { return f, "", nil }

// notes remembers what a run told its user.
type notes struct {
	step.Silent
	mu   sync.Mutex
	text []string
}

func (n *notes) Note(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.text = append(n.text, text)
}

// run builds a service of one file with a fake engine.
func run(t *testing.T, f *fake, files map[string]string) (*pipeline.Built, *notes, error) {
	t.Helper()
	p, reporter := service(t, f, files)
	built, err := p.Build(t.Context(), file)
	return built, reporter, err
}

// file says what the configuration file says.
func file(file *config.File) (*config.Said, error) {
	return config.Gather(file, func(string) string { return "" }, nil)
}

// service is a pipeline for a service of one file.
func service(t *testing.T, f *fake, files map[string]string) (*pipeline.Pipeline, *notes) {
	t.Helper()
	dir := t.TempDir()
	f.dir = t.TempDir()
	all := map[string]string{"go.mod": "module example.com/tide\n\ngo 1.25.0\n", "main.go": "package main\n\nfunc main() {}\n", ".slipway.yaml": "base: builtin\n"}
	for name, text := range files {
		all[name] = text
	}
	for name, text := range all {
		require.NoError(t, writeAll(filepath.Join(dir, name), text))
	}
	reporter := &notes{}
	return &pipeline.Pipeline{Dir: dir, WorkDir: t.TempDir(), Env: os.Environ(), Cache: t.TempDir(), Engine: f.chosen, Reporter: reporter}, reporter
}

func TestBuild_MakesAnImageOfWhatTheEngineGives(t *testing.T) {
	t.Parallel()
	f := &fake{unset: []string{"main.commit", "main.flag"}}
	built, told, err := run(t, f, map[string]string{".slipway.yaml": "base: builtin\nset: {main.flag: x}\n"})
	require.NoError(t, err)
	require.Len(t, built.Images, 1)
	require.Len(t, built.Images[0].Index.Images, 2)
	require.Contains(t, told.text, "set main.flag names no string variable of the program, so it does nothing")
	for _, text := range told.text {
		require.NotContains(t, text, "main.commit", "what Slipway sets by itself is no warning")
	}
}

// The linker's own hash is in a program: a setting that changes nothing else would make
// each commit link all programs again.
func TestBuild_DoesNotLinkAgainForWhatNoVariableHas(t *testing.T) {
	t.Parallel()
	f := &fake{absent: []string{"main.commit", "main.version"}}
	var asked []engine.Target
	f.during = func(got engine.Target) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		asked = append(asked, got)
		return nil
	}
	for _, version := range []string{"v1.0.0", "v1.0.1"} {
		built, _, err := run(t, f, map[string]string{".slipway.yaml": "base: builtin\nset: {main.flag: x}\nversion: " + version + "\n"})
		require.NoError(t, err)
		require.Contains(t, built.Images[0].Plan.Build.Vars, plan.Var{Name: "main.version", Value: version}, "the plan has what was asked for")
	}
	require.Len(t, asked, 4)
	keys := map[plan.Platform]string{}
	for i, got := range asked {
		require.Equal(t, []plan.Var{{Name: "main.flag", Value: "x"}}, got.Build.Vars)
		if i < 2 {
			keys[got.Platform] = got.Key
		}
		require.Equal(t, keys[got.Platform], got.Key)
	}
	require.Len(t, keys, 2)
}

// A plan never names sources that somebody was just writing.
func TestBuild_RefusesSourcesThatChangeMeanwhile(t *testing.T) {
	t.Parallel()
	var main string
	f := &fake{dir: t.TempDir(), during: func(engine.Target) error {
		return os.WriteFile(main, []byte("package main\n\nfunc main() { println() }\n"), 0o644)
	}}
	dir := t.TempDir()
	main = filepath.Join(dir, "main.go")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/tide\n\ngo 1.25.0\n"), 0o644))
	require.NoError(t, os.WriteFile(main, []byte("package main\n\nfunc main() {}\n"), 0o644))
	p := pipeline.Pipeline{Dir: dir, WorkDir: dir, Env: os.Environ(), Cache: t.TempDir(), Engine: f.chosen, Reporter: step.Silent{}}
	_, err := p.Build(t.Context(), func(file *config.File) (*config.Said, error) {
		said, err := config.Gather(file, func(string) string { return "" }, nil)
		said.Base = "builtin"
		return said, err
	})
	require.Equal(t, fault.Source, fault.KindOf(err))
	require.ErrorContains(t, err, "the source changed while it was being built")
}

func TestBuild_StopsAtTheFirstPlatformThatFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	_, _, err := run(t, &fake{during: func(t engine.Target) error {
		if t.Platform.Arch == "arm64" {
			return broken
		}
		return nil
	}}, nil)
	require.ErrorIs(t, err, broken)
}

func TestBuild_AsksBeforeItRunsCommandsOfTheSource(t *testing.T) {
	t.Parallel()
	f := &fake{}
	_, _, err := run(t, f, map[string]string{".slipway.yaml": "base: builtin\npre-build: [[evil, now]]\n"})
	require.Equal(t, fault.Usage, fault.KindOf(err))
	require.ErrorContains(t, err, "--allow-exec")
	require.Empty(t, f.said, "nothing was prepared, run or built")
}
