package dagger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	sdk "dagger.io/dagger"

	"example.com/slipway/ci/cache"
	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/gocmd"
	"example.com/slipway/ci/step"
)

// keepAnswers bounds the cache of what go list answered, in bytes.
const keepAnswers = 256 << 20

// Sources lists what the mains need. The answer is kept as long as nothing changes
// that go list reads.
func (e *Engine) Sources(ctx context.Context, targets ...engine.Target) (sets []engine.SourceSet, err error) {
	err = e.modules.Try(ctx, func(from *gocmd.Restored) error {
		sets, err = e.from(from).Sources(ctx, targets...)
		return err
	})
	return sets, err
}

// Build runs go build on the source set alone, unless its result is kept.
func (e *Engine) Build(ctx context.Context, t engine.Target, set engine.SourceSet, s step.Step) (engine.Result, error) {
	store := gocmd.Store{Dir: filepath.Join(e.cache, "dagger", "bin"), Release: e.builder.Release}
	return store.Build(t, func(dir string) error {
		return e.modules.Try(ctx, func(from *gocmd.Restored) error { return e.compile(ctx, from, t, set, dir, s) })
	})
}

// stageOf names the folder that a target's source set is staged in.
func stageOf(t engine.Target, set engine.SourceSet) string {
	return strings.Join(append(slices.Clone(set.Files), t.Platform.String()), "\x00")
}

func (e *Engine) compile(ctx context.Context, from *gocmd.Restored, t engine.Target, set engine.SourceSet, dir string, s step.Step) error {
	ctr, err := e.building(ctx, from)
	if err != nil {
		return err
	}
	files, err := e.sourceSet(set)
	if err != nil {
		return err
	}
	g := e.from(from)
	args := g.BuildArgs(t, out+"/")
	s.Log("go " + strings.Join(args, " "))
	return e.staged(stageOf(t, set), files, func(stage string) error {
		built := with(ctr, gocmd.Environment(t)).WithWorkdir(e.workdir()).
			WithMountedDirectory(tree, e.client.Host().Directory(stage)).
			WithExec(append([]string{"go"}, args...))
		said, err := e.output(ctx, built)
		if err != nil {
			return err
		}
		s.Ran(g.RanBuild(t, said))
		for _, line := range gocmd.Lines(said.Stderr) {
			s.Log(line)
		}
		if said.Err != nil {
			return g.Explain(ctx, t, said)
		}
		if _, err := built.Directory(out).Export(ctx, dir); err != nil {
			return e.trouble(ctx, err)
		}
		return nil
	})
}

func with(ctr *sdk.Container, env []string) *sdk.Container {
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		ctr = ctr.WithEnvVariable(name, value)
	}
	return ctr
}

// output runs the last command of a container and returns what it said.
func (e *Engine) output(ctx context.Context, ctr *sdk.Container) (gocmd.Output, error) {
	stdout, err := ctr.Stdout(ctx)
	if failed, ok := errors.AsType[*sdk.ExecError](err); ok && !fullDisk(failed.Stderr) {
		return gocmd.Output{Stdout: []byte(failed.Stdout), Stderr: []byte(failed.Stderr), Err: gocmd.ExitError(failed.ExitCode)}, nil
	}
	if err != nil {
		return gocmd.Output{}, e.trouble(ctx, err)
	}
	stderr, err := ctr.Stderr(ctx)
	if err != nil {
		return gocmd.Output{}, e.trouble(ctx, err)
	}
	return gocmd.Output{Stdout: []byte(stdout), Stderr: []byte(stderr)}, nil
}

// ask runs a go command that reads the skeleton only, or returns what it answered to
// the same skeleton earlier.
func (e *Engine) ask(ctx context.Context, from *gocmd.Restored, env, args []string) (gocmd.Output, error) {
	bones, err := e.bones(ctx)
	if err != nil {
		return gocmd.Output{}, err
	}
	name, err := e.answer(bones.Hash(), from, env, args)
	if err != nil {
		return gocmd.Output{}, err
	}
	if known, err := os.ReadFile(name); err == nil {
		cache.Touch(name, time.Now())
		return gocmd.Output{Stdout: known}, nil
	}
	ctr, err := e.building(ctx, from)
	if err != nil {
		return gocmd.Output{}, err
	}
	files, err := e.skeletonFiles(ctx)
	if err != nil {
		return gocmd.Output{}, err
	}
	var said gocmd.Output
	err = e.staged("skeleton "+strings.Join(env, " "), files, func(stage string) error {
		said, err = e.output(ctx, with(ctr, env).WithWorkdir(e.workdir()).
			WithMountedDirectory(tree, e.client.Host().Directory(stage)).
			WithExec(append([]string{"go"}, args...)))
		return err
	})
	if err == nil && said.Err == nil {
		err = cache.Write(name, said.Stdout)
		cache.Trim(filepath.Dir(name), keepAnswers, time.Now())
	}
	return said, err
}

// answer is where an answer of go list is kept.
func (e *Engine) answer(skeleton string, from *gocmd.Restored, env, args []string) (string, error) {
	dir, err := e.folder("list")
	if err != nil {
		return "", err
	}
	// Where modules come from is not part of it, but where they are seen: go.sum says what
	// they are.
	text, err := json.Marshal([]any{skeleton, e.builder, e.workdir(), e.src.Workspace != "", seen(from), env, args})
	if err != nil {
		return "", err
	}
	key := sha256.Sum256(text)
	return filepath.Join(dir, hex.EncodeToString(key[:])+".json"), nil
}

// bones reads the skeleton once.
func (e *Engine) bones(ctx context.Context) (gocmd.Skeleton, error) {
	e.reading.Lock()
	defer e.reading.Unlock()
	if e.skeleton == nil {
		bones, err := gocmd.ReadSkeleton(ctx, e.src.TreeRoot)
		if err != nil {
			return nil, err
		}
		e.skeleton = bones
	}
	return e.skeleton, nil
}

// fromModules reads files of one folder of the module cache.
func (e *Engine) fromModules(ctx context.Context, from *gocmd.Restored, names []string) (map[string][]byte, error) {
	if len(names) == 0 {
		return nil, nil
	}
	ctr, err := e.building(ctx, from)
	if err != nil {
		return nil, err
	}
	copied := ctr.WithDirectory(out, e.client.Directory()).
		WithExec(slices.Concat([]string{"cp", "--"}, names, []string{out + "/"})).Directory(out)
	files := map[string][]byte{}
	for _, name := range names {
		text, err := copied.File(filepath.Base(name)).Contents(ctx)
		if err != nil {
			return nil, e.trouble(ctx, err)
		}
		files[filepath.Base(name)] = []byte(text)
	}
	return files, nil
}
