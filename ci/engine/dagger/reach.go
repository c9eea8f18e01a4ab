package dagger

import (
	"context"
	"crypto/rand"
	"maps"
	"slices"
	"strings"

	sdk "dagger.io/dagger"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/gocmd"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/step"
	"example.com/slipway/ci/tool"
)

// Places of govulncheck in the builder: its module, itself, the database, its answer.
const (
	checkerModule = "/govulncheck"
	checker       = "/usr/local/bin/govulncheck"
	vulnerable    = "/vulndb"
	calls         = out + "/calls.json"
)

// Reach runs govulncheck, built by the builder, on the source set alone. It reads the
// source, and runs nothing of it.
func (e *Engine) Reach(ctx context.Context, r engine.Reach, s step.Step) ([]byte, error) {
	if err := e.goCommand.CanReach(); err != nil {
		return nil, err
	}
	folder, address, err := gocmd.VulnDB(r.Database)
	if err != nil {
		return nil, err
	}
	files, err := e.sourceSet(r.Sources)
	if err != nil {
		return nil, err
	}
	ctr, err := e.withGovulncheck(ctx)
	if err != nil {
		return nil, err
	}
	ctr = with(ctr, e.goCommand.ReachEnvironment(r.Target)).WithWorkdir(e.workdir())
	if folder != "" {
		read := e.client.Host().Directory(folder, sdk.HostDirectoryOpts{Include: []string{"index/*.json", "ID/*.json"}})
		ctr, address = ctr.WithMountedDirectory(vulnerable, read), gocmd.FileURL(vulnerable)
	} else {
		// What an address answered earlier is no answer.
		ctr = ctr.WithEnvVariable("SLIPWAY_REACH", rand.Text())
	}
	args := e.goCommand.ReachArgs(r.Target, address)
	s.Log("govulncheck " + strings.Join(args, " "))
	var answer []byte
	err = e.staged(stageOf(r.Target, r.Sources), files, func(stage string) error {
		answer, err = e.reached(ctx, r.Database, ctr.WithMountedDirectory(tree, e.client.Host().Directory(stage)).
			WithExec(append([]string{checker}, args...), sdk.ContainerWithExecOpts{RedirectStdout: calls}))
		return err
	})
	return answer, err
}

// reached is what govulncheck left in its container.
func (e *Engine) reached(ctx context.Context, database string, ran *sdk.Container) ([]byte, error) {
	within, cancel := gocmd.WithinReach(ctx)
	defer cancel()
	said, err := e.output(within, ran)
	if err != nil {
		return nil, err
	}
	if said.Err != nil {
		return nil, e.goCommand.Unreached(database, said)
	}
	answer := ran.File(calls)
	size, err := answer.Size(within)
	if err != nil {
		return nil, e.trouble(within, err)
	}
	if size > gocmd.ReachLimit {
		return nil, gocmd.ReachTooLarge()
	}
	text, err := answer.Contents(within)
	if err != nil {
		return nil, e.trouble(within, err)
	}
	return []byte(text), nil
}

// withGovulncheck is the builder's container with govulncheck, which the builder
// compiles. The engine keeps it.
func (e *Engine) withGovulncheck(ctx context.Context) (*sdk.Container, error) {
	ctr, err := e.builderContainer(ctx)
	if err != nil {
		return nil, err
	}
	t := tool.Govulncheck()
	module := e.client.Directory()
	for _, name := range slices.Sorted(maps.Keys(t.Files())) {
		module = module.WithNewFile(name, t.Files()[name])
	}
	built := ctr.WithEnvVariable("CGO_ENABLED", "0").WithEnvVariable("GOWORK", "off").WithDirectory(checkerModule, module).WithWorkdir(checkerModule).
		WithExec(append([]string{"go"}, t.BuildArgs(out+"/"+t.Name)...))
	said, err := e.output(ctx, built)
	if err != nil {
		return nil, err
	}
	if said.Err != nil {
		return nil, fault.New(fault.Unjudged, "the builder does not build govulncheck %s", t.Version).WithDetail(gocmd.Lines(said.Stderr)...).
			WithFix("check GOPROXY and the network; the go command's lines say what it lacks").WithCause(said.Err)
	}
	return ctr.WithMountedFile(checker, built.File(out+"/"+t.Name)).WithDirectory(out, e.client.Directory()), nil
}
