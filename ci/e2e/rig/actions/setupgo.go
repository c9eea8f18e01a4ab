package actions

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// setupGo puts this machine's Go before everything else. Its version is the one that
// is there, whichever was asked for.
func setupGo(ctx context.Context, t *turn) error {
	with := t.step.With
	if with["go-version"] == "" && with["go-version-file"] == "" {
		return failed("Neither go-version nor go-version-file is given")
	}
	if file := with["go-version-file"]; file != "" {
		if !filepath.IsAbs(file) {
			file = filepath.Join(t.result.Workspace, filepath.FromSlash(file))
		}
		if _, err := os.Stat(file); err != nil {
			return failed("The specified go version file at: %s does not exist", file)
		}
	}
	cached, err := t.on("cache", true)
	if err != nil {
		return err
	}
	if cached {
		t.result.Reach.Caches = append(t.result.Reach.Caches, t.event.Ref+": setup-go")
	}
	bin := t.Go
	if bin == "" {
		root, err := goroot(ctx)
		if err != nil {
			return err
		}
		bin = filepath.Join(root, "bin")
	}
	t.path = append(t.path, bin)
	t.job.env["GOTOOLCHAIN"] = "local"
	t.step.Outputs["go-version"] = strings.TrimPrefix(runtime.Version(), "go")
	t.step.Outputs["cache-hit"] = "false"
	return nil
}

// goroot is where this machine's Go is.
func goroot(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "env", "GOROOT")
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN=local")
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}
