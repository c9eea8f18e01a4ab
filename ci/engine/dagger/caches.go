package dagger

import (
	"context"
	"crypto/rand"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	sdk "dagger.io/dagger"
	"golang.org/x/sync/errgroup"

	"example.com/slipway/ci/cache"
	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/gocmd"
)

// The engine's build cache is a volume, which nobody reads from outside. What was restored
// is copied in before the first build, and what builds used of it is copied out.

var _ engine.Caching = (*Engine)(nil)

// Places of what is carried in the builder's containers. Modules have one for each content:
// the go command keeps an index of a module by the folder that it lies in.
const (
	carried         = "/carried"
	restoredModules = "/go/restored-"
)

// Objects is a folder of this run, with what was restored and what is to be saved.
func (e *Engine) Objects() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.carried == "" {
		all := filepath.Join(e.cache, "dagger", "carried")
		cache.Trim(all, 0, time.Now()) // what killed runs left
		e.carried = filepath.Join(all, rand.Text())
	}
	return filepath.Join(e.carried, "objects")
}

// UseModules names a folder with modules for the builds.
func (e *Engine) UseModules(dir string, short func()) { e.modules.Use(dir, short) }

// seen is where the go command sees a module cache.
func seen(r *gocmd.Restored) string {
	if r == nil {
		return modules
	}
	return restoredModules + filepath.Base(r.Dir)
}

// from is the go command with a module cache.
func (e *Engine) from(r *gocmd.Restored) *gocmd.Go {
	g := e.goCommand
	g.Modules = seen(r)
	g.Run = func(ctx context.Context, env, args []string) (gocmd.Output, error) { return e.ask(ctx, r, env, args) }
	g.Copy = func(ctx context.Context, names []string) (map[string][]byte, error) {
		return e.fromModules(ctx, r, names)
	}
	return &g
}

// building is a container of the builder with a module cache.
func (e *Engine) building(ctx context.Context, r *gocmd.Restored) (*sdk.Container, error) {
	ctr, err := e.builderContainer(ctx)
	if err != nil || r == nil {
		return ctr, err
	}
	sent, err := e.restored(ctx, r)
	if err != nil {
		return nil, err
	}
	return ctr.WithMountedDirectory(seen(r), sent).WithEnvVariable("GOMODCACHE", seen(r)), nil
}

// restored has restored modules in the engine. They are sent once.
func (e *Engine) restored(ctx context.Context, r *gocmd.Restored) (*sdk.Directory, error) {
	e.sending.Lock()
	defer e.sending.Unlock()
	if e.sent == nil {
		var err error
		if e.sent, err = e.copyIn(ctx, r.Dir); err != nil {
			return nil, err
		}
	}
	return e.sent, nil
}

// isObject are arguments of find for what lies in a build cache. BusyBox has them too.
var isObject = [...]string{"-type", "f", "(", "-name", "*-a", "-o", "-name", "*-d", ")"}

// bring copies what was restored to the engine, into the build cache and beside the module
// cache. The times of all that lies in the build cache are two hours ago then, so that what
// is used from now on can be told: the go command sets a time anew that is more than an hour
// ago. That the builder image lacks the programs for it costs time and nothing else.
func (e *Engine) bring(ctx context.Context, base *sdk.Container) error {
	old := time.Now().Add(-2 * time.Hour)
	ctr := base.WithEnvVariable("SLIPWAY_CARRIED", e.carried).WithEnvVariable("TZ", "UTC")
	aged := ctr.WithExec(slices.Concat([]string{"find", objects}, isObject[:], []string{"-mmin", "-119", "-exec", "touch", "-c", "-t", old.UTC().Format("200601021504.05"), "{}", "+"}))
	if _, err := e.output(ctx, aged); err != nil {
		return err
	}
	group, within := errgroup.WithContext(ctx)
	if dir := filepath.Join(e.carried, "objects"); folder(dir) {
		group.Go(func() error {
			file, err := e.packed(dir, old)
			if err == nil {
				_, err = e.output(within, unpacked(ctr, file, objects))
			}
			return err
		})
	}
	if r := e.modules.Restored(); r != nil {
		group.Go(func() error {
			_, err := e.restored(within, r)
			return err
		})
	}
	return group.Wait()
}

func folder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// Collect copies what builds used of the build cache to Objects.
func (e *Engine) Collect(ctx context.Context) error {
	to := e.Objects()
	ctr, err := e.builderContainer(ctx)
	if err != nil {
		return err
	}
	ctr = again(ctr).WithWorkdir(objects)
	names, err := e.find(ctx, ctr, slices.Concat([]string{"."}, isObject[:], []string{"-mmin", "-60", "-print"}))
	if err != nil {
		return err
	}
	return e.copyOut(ctx, ctr, names, to)
}

// again is a container whose next command runs whatever ran earlier.
func again(ctr *sdk.Container) *sdk.Container {
	return ctr.WithEnvVariable("SLIPWAY_CARRIED", rand.Text())
}

// find returns what find prints in the folder of a container.
func (e *Engine) find(ctx context.Context, ctr *sdk.Container, args []string) ([]string, error) {
	text, err := ctr.WithExec(append([]string{"find"}, args...), sdk.ContainerWithExecOpts{RedirectStdout: found}).File(found).Contents(ctx)
	if err != nil {
		return nil, e.trouble(ctx, err)
	}
	var names []string
	for line := range strings.Lines(text) {
		names = append(names, path.Clean(strings.TrimSuffix(line, "\n")))
	}
	return names, nil
}

// Needs lists what a build needs. The modules are copied to a folder of this run.
func (e *Engine) Needs(ctx context.Context, t engine.Target) (needs engine.Needs, err error) {
	sets, err := e.Sources(ctx, t)
	if err != nil {
		return needs, err
	}
	files, err := e.sourceSet(sets[0])
	if err != nil {
		return needs, err
	}
	err = e.modules.Try(ctx, func(from *gocmd.Restored) error {
		ctr, err := e.building(ctx, from)
		if err != nil {
			return err
		}
		return e.staged(stageOf(t, sets[0]), files, func(stage string) error {
			needs, err = e.needs(ctx, t, from, again(ctr).WithMountedDirectory(tree, e.client.Host().Directory(stage)))
			return err
		})
	})
	return needs, err
}

func (e *Engine) needs(ctx context.Context, t engine.Target, from *gocmd.Restored, ctr *sdk.Container) (engine.Needs, error) {
	g := e.from(from)
	g.Run = func(ctx context.Context, env, args []string) (gocmd.Output, error) {
		return e.output(ctx, with(ctr, env).WithWorkdir(e.workdir()).WithExec(append([]string{"go"}, args...)))
	}
	lying := ctr.WithWorkdir(g.Modules)
	there, err := e.find(ctx, lying, []string{
		".", "-type", "d", "-name", "*@*", "!", "-name", "@v", "-prune", "-print",
		"-o", "-type", "f", "(", "-name", "*.mod", "-o", "-name", "*.ziphash", ")", "-print",
	})
	if err != nil {
		return engine.Needs{}, err
	}
	known := map[string]bool{}
	for _, name := range there {
		known[name] = true
	}
	g.Has = func(name string) bool { return known[name] }
	needs, err := g.Needs(ctx, t)
	if err != nil {
		return needs, err
	}
	archives := map[string]string{}
	for file, group := range needs.Archives {
		if name, ok := strings.CutPrefix(file, objects+"/"); ok {
			archives[filepath.Join(e.carried, "objects", filepath.FromSlash(name))] = group
		}
	}
	needs.Archives, needs.Cache = archives, filepath.Join(e.carried, "modules")
	return needs, e.modulesOut(ctx, lying, needs)
}

// modulesOut copies what is needed of the module cache out of a container.
func (e *Engine) modulesOut(ctx context.Context, ctr *sdk.Container, needs engine.Needs) error {
	var names []string
	for name := range needs.Modules {
		// module@version is a folder, and all else a file.
		if strings.Contains(path.Base(name), "@") && !strings.HasPrefix(name, "cache/") {
			if err := os.MkdirAll(filepath.Join(needs.Cache, filepath.FromSlash(name)), 0o755); err != nil {
				return err
			}
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return e.copyOut(ctx, ctr, names, needs.Cache)
}
