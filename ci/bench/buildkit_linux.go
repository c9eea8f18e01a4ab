package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"

	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/pins"
)

// buildKit is a plain BuildKit that builds the Dockerfile of a service. Its builder and
// base are the stand-ins of ci/e2e/rig, which Slipway gets too.
type buildKit struct {
	kit      *rig.BuildKit
	modules  *rig.Modules
	standins *rig.Images
	address  string
	server   *http.Server
}

// newBuildKit starts a registry that listens on an address, with the stand-ins in it,
// and a BuildKit that has it as its mirror.
func newBuildKit(ctx context.Context, listen string) (rival, error) {
	images, err := rig.MakeStandins(ctx)
	if err != nil {
		return nil, err
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("starting a registry: %w", err)
	}
	t := &buildKit{standins: images, address: l.Addr().String()}
	t.server = &http.Server{
		Handler:           registry.New(registry.Logger(slog.NewLogLogger(slog.DiscardHandler, 0))),
		ReadHeaderTimeout: time.Minute,
	}
	go func() { _ = t.server.Serve(l) }()
	if err := t.start(ctx); err != nil {
		return nil, errors.Join(err, t.stop())
	}
	return t, nil
}

func (t *buildKit) start(ctx context.Context) (err error) {
	if err := t.standins.Push(ctx, t.address); err != nil {
		return err
	}
	if t.modules, err = rig.ServeModules(ctx); err != nil {
		return err
	}
	t.kit, err = rig.StartBuildKit(ctx, t.address)
	return err
}

func (t *buildKit) stop() error {
	var err error
	if t.kit != nil {
		err = t.kit.Stop()
	}
	if t.modules != nil {
		t.modules.Stop()
	}
	return errors.Join(err, t.server.Close())
}

func (t *buildKit) name() string { return "BuildKit" }

// images says the builder and the base too, so that a service without pins of its own
// gets the same.
func (t *buildKit) images() []string {
	return []string{
		"--builder", t.standins.Builder.String(), "--base", t.standins.Base.String(),
		"--mirror", "docker.io=" + t.address, "--mirror", "gcr.io=" + t.address,
	}
}

// prepare gives the service Slipway's Dockerfile where it has none, and puts into it
// the stand-ins' pins and this machine's way to modules. None of it is in the sources
// of a build.
func (t *buildKit) prepare(s *service) error {
	file := filepath.Join(s.dir, "Dockerfile")
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		if err := copyAll(s.dir, filepath.Join("ci", "pins"), "Dockerfile"); err != nil {
			return err
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	declared, err := pins.Read(s.dir)
	if err != nil {
		return err
	}
	changed := strings.NewReplacer(
		declared.Builder.String(), t.standins.Builder.String(), declared.Base.String(), t.standins.Base.String(),
		"WORKDIR /src\n", "WORKDIR /src\n"+t.modules.Env,
	).Replace(string(text))
	return os.WriteFile(file, []byte(changed), 0o644)
}

func (t *buildKit) command(_ *bench, s *service, platforms, out string) (env, args []string) {
	options := []string{"build-arg:MAIN=" + s.main}
	return nil, append([]string{t.kit.Ctl}, t.kit.Args(s.dir, platforms, "type=oci,tar=false,dest="+out, options...)...)
}
