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

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/process"
	"example.com/slipway/ci/step"
)

// release is the Go release that builds the engine and that its Go SDK uses: the one
// that Slipway pins as its builder.
const release = "go1.26.9"

// The module that builds the engine. It is not a module of this repository: its
// dependencies would be those of everybody who copies ci.
var (
	//go:embed engine.mod
	moduleFile string
	//go:embed engine.sum
	moduleSums string
	//go:embed distconsts/distconsts.go
	distconsts string
	//go:embed gate/main.go
	gate string
)

// places say where each program of the module goes, below the folder of tools.
var places = map[string]string{
	"dagger": "cli/dagger",
	// An ssh client runs "buildctl dial-stdio" on the machine that it reaches.
	"dialstdio": "ssh/buildctl",
	"codegen":   "sdk/codegen",
	"engine":    "bin/dagger-engine", "init": "bin/dagger-init", "gate": "bin/gate",
	"bridge": "cni/bridge", "firewall": "cni/firewall", "host-local": "cni/host-local", "loopback": "cni/loopback", "dnsname": "cni/dnsname",
}

// writeModule writes the module as the go command wants it.
func writeModule(dir string) error {
	const constsModule = "module github.com/dagger/dagger/engine/distconsts\n\ngo 1.26.1\n"
	consts := filepath.Join(dir, "distconsts")
	if err := errors.Join(os.MkdirAll(consts, 0o755), os.Mkdir(filepath.Join(dir, "gate"), 0o755)); err != nil {
		return err
	}
	for name, text := range map[string]string{
		filepath.Join(dir, "go.mod"): moduleFile, filepath.Join(dir, "go.sum"): moduleSums,
		filepath.Join(consts, "go.mod"): constsModule, filepath.Join(consts, "distconsts.go"): distconsts,
		filepath.Join(dir, "gate", "main.go"): gate,
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// goEnviron is the user's environment with all that would decide the programs set.
// Where modules come from stays the user's.
func (h *Host) goEnviron() []string {
	return slices.Concat(h.env, process.Compiling(h.getenv), []string{
		"GOTOOLCHAIN=" + release, "GOFLAGS=-mod=readonly", "GOWORK=off", "GO111MODULE=on", "CGO_ENABLED=0",
		"GOOS=", "GOARCH=", "GOEXPERIMENT=", "GOAMD64=", "GOARM64=",
	})
}

// buildTools builds all programs of the module.
func (h *Host) buildTools(ctx context.Context, _ parts, dir string, s step.Step) error {
	goProgram, err := h.program("go")
	if err != nil {
		return err
	}
	source, built := filepath.Join(dir, "module"), filepath.Join(dir, "built")
	if err := errors.Join(writeModule(source), os.Mkdir(built, 0o755)); err != nil {
		return fmt.Errorf("writing the engine's module: %w", err)
	}
	const engine = "github.com/dagger/dagger/engine"
	flags := fmt.Sprintf("-s -w -X %[1]s.Version=%[2]s -X %[1]s.Tag=%[2]s", engine, Version)
	cmd := command(ctx, h.goEnviron(), goProgram, "build", "-v", "-o", built+string(filepath.Separator), "-trimpath", "-ldflags", flags, "tool", "./gate")
	cmd.Dir = source
	if said, err := follow(cmd, s); err != nil {
		return failed(ctx, "building the Dagger engine", err, said, "check GOPROXY and the network; the go command's lines say what it lacks")
	}
	for name, place := range places {
		to := filepath.Join(dir, filepath.FromSlash(place))
		if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.Rename(filepath.Join(built, name), to)); err != nil {
			return fmt.Errorf("placing the program %s: %w", name, err)
		}
	}
	return errors.Join(os.RemoveAll(source), os.RemoveAll(built))
}

// failed is an error of kind Engine that shows a tool's last lines.
func failed(ctx context.Context, what string, err error, said []string, fix string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fault.New(fault.Engine, "%s: %v", what, err).WithDetail(said...).WithFix("%s", fix).WithCause(err)
}

// goSettings asks the go command, which knows what go env -w wrote.
func (h *Host) goSettings(ctx context.Context, names ...string) ([]string, error) {
	goProgram, err := h.program("go")
	if err != nil {
		return nil, err
	}
	cmd := command(ctx, h.goEnviron(), goProgram, append([]string{"env"}, names...)...)
	cmd.Dir = h.cache
	out, said, err := output(cmd)
	if err != nil {
		return nil, failed(ctx, "asking the go command for its settings", err, said, "install Go 1.21 or newer, and check GOPROXY")
	}
	values := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(values) != len(names) {
		return nil, fmt.Errorf("asking the go command for its settings: it answered %q", out)
	}
	return values, nil
}
