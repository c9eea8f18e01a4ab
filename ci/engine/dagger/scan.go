package dagger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	sdk "dagger.io/dagger"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/gocmd"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/step"
	"example.com/slipway/ci/tool"
)

// report is what the scanner writes, in its working folder.
const report = "/scan/report.json"

// Scan runs the scanner's image in a container that has the image to scan, the
// scanner's database, and nothing else. It needs no builder.
func (e *Engine) Scan(ctx context.Context, sc engine.Scan, s step.Step) (engine.Scanned, error) {
	if err := tool.RefusedImage(sc.Scanner); err != nil {
		return engine.Scanned{}, err
	}
	client, err := e.connected(ctx)
	if err != nil {
		return engine.Scanned{}, err
	}
	// First, so that pulling and sending do not count as scanning.
	if _, err := client.Container().From(sc.Scanner.Name + "@" + sc.Scanner.Digest).Sync(ctx); err != nil {
		return engine.Scanned{}, e.noScanner(ctx, sc.Scanner, err)
	}
	text, err := scanFile(sc)
	if err != nil {
		return engine.Scanned{}, err
	}
	fresh := sdk.HostDirectoryOpts{NoCache: true}
	files, err := client.Directory().WithDirectory("cache", client.Host().Directory(sc.Cache, fresh)).
		WithDirectory("image", client.Host().Directory(sc.Layout, fresh)).WithNewFile("Dockerfile", text).Sync(ctx)
	if err != nil {
		return engine.Scanned{}, e.trouble(ctx, err)
	}
	s.Log("trivy " + strings.Join(sc.Args, " "))
	limited, cancel := context.WithTimeout(ctx, sc.Wait)
	defer cancel()
	said, what, err := e.scan(limited, files, sc)
	s.Ran(step.Command{Args: append([]string{"trivy"}, sc.Args...), Exit: said.Code})
	for _, line := range said.Lines {
		s.Log(line)
	}
	switch {
	case ctx.Err() == nil && limited.Err() != nil:
		what = tool.TooLong(sc.Wait)
	case err != nil:
		return engine.Scanned{}, e.trouble(ctx, err)
	}
	if what != "" {
		return engine.Scanned{}, tool.Failed(sc.Scanner.String(), what, said.Lines)
	}
	if err := tool.RefusedVersion(said.Version, sc.Scanner.String()); err != nil {
		return engine.Scanned{}, err
	}
	return said, nil
}

// connected returns the session's client.
func (e *Engine) connected(ctx context.Context) (*sdk.Client, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	err := e.connect(ctx)
	return e.client, err
}

// scanFile is a Dockerfile that scans while it is built. WithExec has no way to leave
// the network out (v0.21.8), RUN has.
func scanFile(sc engine.Scan) (string, error) {
	args, err := json.Marshal(append([]string{"trivy"}, sc.Args...))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(`FROM %s@%s
USER 0:0
WORKDIR /scan
ENV HOME=/scan
RUN --network=none --mount=type=bind,source=image,target=/scan/image --mount=type=bind,source=cache,target=/scan/cache %s
`, sc.Scanner.Name, sc.Scanner.Digest, args), nil
}

// scan builds that Dockerfile and takes the report out of its container; what is a
// clause about a scanner that gave none.
//
// What a scanner printed is known of one that failed only, because the engine would
// send all of it, however much it is. For the same reason the report says the version.
func (e *Engine) scan(ctx context.Context, files *sdk.Directory, sc engine.Scan) (said engine.Scanned, what string, err error) {
	ran, err := files.DockerBuild().Sync(ctx)
	if failed, ok := errors.AsType[*sdk.ExecError](err); ok && !fullDisk(failed.Stderr) {
		said.Code = failed.ExitCode
		said.Lines = append(gocmd.Lines([]byte(failed.Stdout)), gocmd.Lines([]byte(failed.Stderr))...)
		return said, fmt.Sprintf("ended with exit code %d", failed.ExitCode), nil
	}
	if err != nil {
		return said, "", err
	}
	there, err := ran.Exists(ctx, report, sdk.ContainerExistsOpts{ExpectedType: sdk.ExistsTypeRegularType, DoNotFollowSymlinks: true})
	if err != nil {
		return said, "", err
	}
	if !there {
		return said, tool.NoReport, nil
	}
	size, err := ran.File(report).Size(ctx)
	switch {
	case err != nil:
		return said, "", err
	case size == 0:
		return said, tool.EmptyReport, nil
	case int64(size) > sc.Limit:
		return said, tool.LargeReport(sc.Limit), nil
	}
	if said.Report, err = exported(ctx, ran.File(report)); err != nil {
		return said, "", err
	}
	var about struct{ Trivy struct{ Version string } }
	// What is no JSON has no version, and is for the reader of reports to refuse.
	_ = json.Unmarshal(said.Report, &about)
	said.Version = about.Trivy.Version
	return said, "", nil
}

// exported reads a file of the engine. Its Contents have a limit of their own.
func exported(ctx context.Context, f *sdk.File) ([]byte, error) {
	dir, err := os.MkdirTemp("", "slipway-scan-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "report.json")
	if _, err := f.Export(ctx, name); err != nil {
		return nil, err
	}
	return os.ReadFile(name)
}

// noScanner says why there is no scanner's image.
func (e *Engine) noScanner(ctx context.Context, pin plan.Pin, err error) error {
	if ctx.Err() != nil || fullDisk(err.Error()) || !e.session.alive() {
		return e.trouble(ctx, err)
	}
	return fault.New(fault.Unjudged, "the Dagger engine did not get the scanner image %s: %s", pin, lastLine(err.Error())).
		WithFix("check the pin, and the registry and mirrors as the engine sees them, or scan without it: --engine local").WithCause(err)
}
