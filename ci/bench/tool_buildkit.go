package main

import (
	"context"
	"os"
	"path/filepath"

	"example.com/slipway/ci/e2e/rig"
)

// buildKit is a plain BuildKit that builds the Dockerfile of a service, and keeps its
// layers in a registry.
type buildKit struct {
	b   *bench
	kit *rig.BuildKit
}

func (b *bench) newBuildKit(ctx context.Context) (tool, error) {
	t := &buildKit{b: b}
	return t, t.clear(ctx)
}

func (t *buildKit) name() string    { return buildkitTool }
func (t *buildKit) version() string { return versionIn(filepath.Dir(t.kit.Ctl)) }

func (t *buildKit) stop() error {
	if t.kit == nil {
		return nil
	}
	kit := t.kit
	t.kit = nil
	return kit.Stop()
}

// clear starts a daemon with an empty folder, which then has the builder: it is to
// BuildKit what an installed Go release is to the others.
func (t *buildKit) clear(ctx context.Context) (err error) {
	if err := t.stop(); err != nil {
		return err
	}
	if t.kit, err = rig.StartBuildKit(ctx, t.b.net.shared.address); err != nil {
		return err
	}
	dir := t.b.home("builder")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	text := "FROM " + t.b.net.images.Builder.String() + "\nRUN [\"true\"]\n"
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o644); err != nil {
		return err
	}
	args := []string{t.kit.Ctl, "--addr", t.kit.Addr, "build", "--frontend", "dockerfile.v0", "--local", "context=" + dir, "--local", "dockerfile=" + dir}
	return t.b.do(ctx, dir, [][]command{alone(command{args: args})})
}

func (t *buildKit) reference(s *service) string {
	return "type=registry,ref=" + t.b.net.shared.address + "/buildkit/" + s.name + "-cache"
}

func (t *buildKit) save(ctx context.Context, j job) error {
	j.save = true
	return t.b.do(ctx, j.src, t.build(j))
}

func (t *buildKit) build(j job) [][]command {
	if !j.service.monorepo() {
		output := "type=oci,tar=false,dest=" + j.out
		if j.push {
			output = "type=image,push=true,name=" + t.b.net.pushed.address + "/buildkit:latest"
		}
		return [][]command{alone(t.command(j, output, "build-arg:MAIN="+j.service.main))}
	}
	var all []command
	for i := range rig.Ships {
		name := rig.Ship(i)
		all = append(all, t.command(j, "type=oci,tar=false,dest="+filepath.Join(j.out, name), "target="+name))
	}
	return [][]command{all}
}

func (t *buildKit) command(j job, output string, options ...string) command {
	args := append([]string{t.kit.Ctl}, t.kit.Args(j.src, j.platforms, output, options...)...)
	if j.restore {
		args = append(args, "--import-cache", t.reference(j.service))
	}
	if j.save {
		args = append(args, "--export-cache", t.reference(j.service)+",mode=max")
	}
	return command{args: args}
}
