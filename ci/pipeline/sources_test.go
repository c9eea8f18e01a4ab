package pipeline_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/pipeline"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/step"
)

// many is an engine for programs that share a file and have one each.
type many struct {
	*fake
	// kept are the folders of the programs that were built earlier.
	kept []string
}

func (m *many) Sources(_ context.Context, targets ...engine.Target) ([]engine.SourceSet, error) {
	m.questions++
	var sets []engine.SourceSet
	for _, t := range targets {
		dir := filepath.ToSlash(filepath.Clean(t.Mains[0].Dir))
		set := engine.SourceSet{Files: []string{dir + "/main.go", "go.mod"}}
		if t.Mains[0].Name != "one" {
			set.Files = append(set.Files, "shared.txt")
		}
		sets = append(sets, set)
	}
	return sets, nil
}

func (m *many) Build(ctx context.Context, t engine.Target, set engine.SourceSet, s step.Step) (engine.Result, error) {
	r, err := m.fake.Build(ctx, t, set, s)
	r.Cached = slices.Contains(m.kept, t.Mains[0].Name)
	return r, err
}

// fleet builds three programs after something was done to the committed source.
func fleet(t *testing.T, m *many, edit func(dir string)) (*pipeline.Built, error) {
	t.Helper()
	m.dir = t.TempDir()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.com/fleet\n\ngo 1.25.0\n", "shared.txt": "shared\n", ".slipway.yaml": "base: builtin\nmain: all\n",
		"cmd/one/main.go": "package main\n\nfunc main() {}\n", "cmd/two/main.go": "package main\n\nfunc main() {}\n", "cmd/three/main.go": "package main\n\nfunc main() {}\n",
	} {
		name = filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
	for _, args := range [][]string{{"init", "--quiet"}, {"add", "--all"}, {"-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--message=fleet"}} {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		require.NoError(t, cmd.Run())
	}
	edit(dir)
	p := &pipeline.Pipeline{Dir: dir, WorkDir: t.TempDir(), Env: os.Environ(), Cache: t.TempDir(), Reporter: step.Silent{}}
	p.Engine = func(context.Context, plan.Run) (engine.Engine, string, error) { return m, "", nil }
	return p.Build(t.Context(), file)
}

// Three programs for two platforms are one question. A file that two of them share and that
// differs from the commit makes those two images dirty, and not the third.
func TestBuild_AsksOnceForTheSourcesOfAllImages(t *testing.T) {
	t.Parallel()
	m := &many{fake: &fake{}}
	built, err := fleet(t, m, func(dir string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "shared.txt"), []byte("edited\n"), 0o644))
	})
	require.NoError(t, err)
	require.Equal(t, 1, m.questions)
	require.Len(t, built.Images, 3)
	for _, made := range built.Images {
		require.Equal(t, made.Plan.Name != "one", made.Plan.Dirty, made.Plan.Name)
		require.Len(t, made.Plan.Sources, 2)
	}
}

// What was compiled has the sources of the plan. What an earlier run compiled was found by
// their hash, whatever they are now.
func TestBuild_ComparesTheSourcesOfWhatWasCompiled(t *testing.T) {
	t.Parallel()
	for name, kept := range map[string][]string{"": {"one", "two", "three"}, "the source changed": {"one", "three"}} {
		m := &many{fake: &fake{}, kept: kept}
		var shared string
		m.during = func(engine.Target) error { return os.WriteFile(shared, []byte("edited\n"), 0o644) }
		_, err := fleet(t, m, func(dir string) { shared = filepath.Join(dir, "shared.txt") })
		if name == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, name)
	}
}

// One program of each platform is built before the others, which have most in common with
// it.
func TestBuild_CompilesWhatProgramsShareOnce(t *testing.T) {
	t.Parallel()
	m := &many{fake: &fake{}}
	var slow sync.Once
	m.during = func(t engine.Target) error {
		if t.Platform.Arch == "arm64" {
			slow.Do(func() {
				time.Sleep(100 * time.Millisecond)
				m.note("ahead")
			})
		}
		return nil
	}
	_, err := fleet(t, m, func(string) {})
	require.NoError(t, err)
	said := slices.DeleteFunc(m.said, func(word string) bool { return word != "ahead" && !strings.HasPrefix(word, "build ") })
	require.Len(t, said, 7)
	require.ElementsMatch(t, []string{"build linux/amd64", "build linux/arm64"}, said[:2])
	require.Equal(t, "ahead", said[2])
}
