package native

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"example.com/slipway/ci/cache"
	"example.com/slipway/ci/step"
)

// sdkCommit is the version of dagger.io/dagger that this engine's code generator asks
// for, goSDKLibVersion of core/sdk/go_sdk.go: the commit of v0.21.8, by which no module
// proxy serves it.
const sdkCommit = "56bb30426a8462af6f95cfdae6461d0cc796ff50"

// The module that the code generator leaves of a module without dependencies of its
// own, and a program that imports what generated code imports.
var (
	//go:embed sdk.mod
	sdkModule string
	//go:embed sdk.sum
	sdkSums string
)

const sdkProgram = `package main

import (
	_ "github.com/Khan/genqlient/graphql"
	_ "github.com/dagger/otel-go"
	_ "github.com/dagger/querybuilder"
	_ "github.com/vektah/gqlparser/v2/gqlerror"
	_ "go.opentelemetry.io/otel"
	_ "go.opentelemetry.io/otel/propagation"
	_ "go.opentelemetry.io/otel/sdk/resource"
	_ "go.opentelemetry.io/otel/semconv/v1.40.0"
	_ "go.opentelemetry.io/otel/trace"
	_ "log/slog"
	_ "net/http"
	_ "os/exec"
)

func main() {}
`

// Places inside the image of the Go SDK.
const (
	sdkProxy = "/usr/local/share/goproxy"
	sdkGo    = "/usr/local/go"
	sdkPath  = "/go"
	sdkCache = "/root/.cache/go-build"
	sdkWork  = "/work"
)

// sdkEnviron is what containers of the Go SDK start with. What Dagger publishes has
// no entry in the checksum database for every version; go.sum files name their sums.
func sdkEnviron() []string {
	return []string{
		"PATH=/go/bin:" + sdkGo + "/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"GOPATH=" + sdkPath, "GOTOOLCHAIN=local", "GONOSUMDB=" + sdkUnlisted, "CGO_ENABLED=0",
	}
}

const sdkUnlisted = "github.com/dagger/*,dagger.io/*"

// sdk is the root file system of the Go SDK, in the folders that it is made of.
type sdk struct {
	tree, goRoot, codegen string
	// half is a folder with those that are made here.
	half string
}

func (s sdk) proxy() string { return filepath.Join(s.half, "goproxy") }
func (s sdk) path() string  { return filepath.Join(s.half, "go") }
func (s sdk) cache() string { return filepath.Join(s.half, "go-build") }
func (s sdk) work() string  { return filepath.Join(s.half, "work") }

// modules gets what generated code needs, as the code generator will: into a module
// cache of its own, from the user's module cache as far as it is there.
func (h *Host) sdkModules(ctx context.Context, s sdk, log step.Step) error {
	if err := h.makeProxy(ctx, s.proxy(), log); err != nil {
		return err
	}
	settings, err := h.goSettings(ctx, "GOMODCACHE", "GOPROXY", "GONOSUMDB")
	if err != nil {
		return err
	}
	if err := errors.Join(os.MkdirAll(s.work(), 0o755), os.MkdirAll(s.cache(), 0o755),
		os.WriteFile(filepath.Join(s.work(), "go.mod"), []byte(sdkModule), 0o644),
		os.WriteFile(filepath.Join(s.work(), "go.sum"), []byte(sdkSums), 0o644),
		os.WriteFile(filepath.Join(s.work(), "main.go"), []byte(sdkProgram), 0o644)); err != nil {
		return fmt.Errorf("writing the module of the Go SDK: %w", err)
	}
	env := slices.Concat(h.goEnviron(), []string{
		// The release itself would be looked for in this module cache.
		"GOTOOLCHAIN=local", "GOROOT=" + s.goRoot,
		"GOFLAGS=-mod=mod", "GOMODCACHE=" + filepath.Join(s.path(), "pkg", "mod"),
		"GOPROXY=file://" + s.proxy() + ",file://" + filepath.Join(settings[0], "cache", "download") + "," + settings[1],
		"GONOSUMDB=" + strings.TrimPrefix(settings[2]+","+sdkUnlisted, ","),
	})
	for _, args := range [][]string{{"get", "dagger.io/dagger@" + sdkCommit}, {"mod", "tidy"}} {
		cmd := command(ctx, env, filepath.Join(s.goRoot, "bin", "go"), args...)
		cmd.Dir = s.work()
		if said, err := follow(cmd, log); err != nil {
			return failed(ctx, "getting the modules of the Go SDK", err, said, "check GOPROXY and the network")
		}
	}
	return nil
}

// warm compiles what generated code imports, so that the first module in an engine
// does not wait for it. Compiled packages have the place of their source in their
// cache keys: it happens where the image has them.
func (h *Host) warm(ctx context.Context, s sdk, log step.Step) error {
	runc, err := h.program("runc")
	if err != nil {
		return err
	}
	text, err := marshal(s.spec())
	if err != nil {
		return err
	}
	bundle, id := filepath.Join(s.half, "bundle"), fmt.Sprintf("slipway-sdk-%d", os.Getpid())
	if err := cache.Write(filepath.Join(bundle, "config.json"), text); err != nil {
		return err
	}
	env, root := []string{"PATH=" + h.getenv("PATH")}, filepath.Join(s.half, "runc")
	cmd := command(ctx, env, runc, "--root", root, "run", "--bundle", bundle, id)
	said, err := follow(cmd, log)
	// A container that ended by itself is gone; one that was interrupted is not.
	late := context.WithoutCancel(ctx)
	_, _, _ = output(command(late, env, runc, "--root", root, "delete", "--force", id))
	removeGroups()
	if err != nil {
		return failed(ctx, "compiling the Go SDK", err, said, "the lines above say why")
	}
	return nil
}

// spec describes a container with the file system of the image, and no network.
func (s sdk) spec() specs.Spec {
	return specs.Spec{
		Version: "1.0.2",
		Process: &specs.Process{
			Args: []string{"go", "build", "-o", "/tmp/program", "-ldflags", "-s -w", "."},
			Env:  append(sdkEnviron(), "HOME=/root", "GOPROXY=off", "GOFLAGS=-mod=mod"), Cwd: sdkWork,
		},
		Root: &specs.Root{Path: s.tree, Readonly: true},
		Mounts: []specs.Mount{
			{Destination: "/proc", Type: "proc", Source: "proc"},
			{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"mode=755"}},
			{Destination: "/tmp", Type: "tmpfs", Source: "tmpfs", Options: []string{"mode=1777"}},
			readOnly(s.goRoot, sdkGo),
			{Destination: sdkPath, Type: "bind", Source: s.path(), Options: []string{"rbind"}},
			{Destination: "/root", Type: "tmpfs", Source: "tmpfs"},
			{Destination: sdkCache, Type: "bind", Source: s.cache(), Options: []string{"rbind"}},
			{Destination: sdkWork, Type: "bind", Source: s.work(), Options: []string{"rbind"}},
		},
		Linux: &specs.Linux{
			CgroupsPath: fmt.Sprintf("/slipway/sdk-%d", os.Getpid()),
			Namespaces: []specs.LinuxNamespace{
				{Type: specs.MountNamespace}, {Type: specs.PIDNamespace}, {Type: specs.NetworkNamespace}, {Type: specs.IPCNamespace},
			},
			RootfsPropagation: "private",
		},
	}
}
