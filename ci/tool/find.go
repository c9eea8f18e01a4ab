package tool

import (
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/process"
	"example.com/slipway/ci/step"
)

// Scanner is a Trivy on this machine.
type Scanner struct {
	// Program is its file, Version what it says of itself, without a v.
	Program, Version string
}

// Bounds of asking a program for its version.
const (
	versionWait  = 20 * time.Second
	versionLimit = 4 << 10
)

// install is what to do where there is no Trivy.
const install = "slipway tool trivy builds it, which takes minutes"

// FindTrivy returns the Trivy that Install left, else the one on PATH where its version
// is one that was tried. The error is a *fault.Error of kind Unjudged.
func FindTrivy(ctx context.Context, o Options, s step.Step) (Scanner, error) {
	if program, ok := Trivy().Installed(o); ok {
		return Scanner{Program: program, Version: TrivyVersion}, nil
	}
	program, ok := process.Find("trivy", o.getenv("PATH"))
	if !ok {
		return Scanner{}, fault.New(fault.Unjudged, "there is no Trivy on this machine to scan images with").WithFix("%s", install)
	}
	// A hijacked program does its harm as soon as it runs, be it to say its version.
	if info, err := buildinfo.ReadFile(program); err == nil {
		if err := RefusedVersion(info.Main.Version, program); err != nil {
			return Scanner{}, err
		}
	}
	version, err := askVersion(ctx, o, program, s)
	if ctx.Err() != nil {
		return Scanner{}, context.Cause(ctx)
	}
	if err == nil {
		if refused := RefusedVersion(version, program); refused != nil {
			return Scanner{}, refused
		}
		err = accept(version)
	}
	if err != nil {
		return Scanner{}, fault.New(fault.Unjudged, "the Trivy at %s is none to scan with: %v", program, err).WithFix("%s", install).WithCause(err)
	}
	return Scanner{Program: program, Version: version}, nil
}

// askVersion lets a program say its version, confined as a scan is. The error is a clause.
func askVersion(ctx context.Context, o Options, program string, s step.Step) (string, error) {
	dir, err := os.MkdirTemp("", "slipway-version-")
	if err != nil {
		return "", fmt.Errorf("making a folder to ask it in: %w", err)
	}
	defer os.RemoveAll(dir)
	limited, cancel := context.WithTimeout(ctx, versionWait)
	defer cancel()
	out := &head{}
	code, err := Confined{Program: program, Args: []string{"version", "--format", "json"}, Dir: dir, Temp: dir, Stdout: out, Options: o}.Run(limited, s)
	var said struct{ Version string }
	switch {
	case limited.Err() != nil:
		return "", fmt.Errorf("it does not say its version within %s", versionWait)
	case err != nil:
		return "", fmt.Errorf("asked for its version, %w", err)
	case code != 0:
		return "", fmt.Errorf("asked for its version, it ends with exit code %d", code)
	case json.Unmarshal(out.text, &said) != nil || said.Version == "":
		return "", errors.New("it does not say its version")
	}
	return said.Version, nil
}

// head keeps the beginning of what is written to it, versionLimit bytes.
type head struct{ text []byte }

func (h *head) Write(p []byte) (int, error) {
	h.text = append(h.text, p[:min(len(p), versionLimit-len(h.text))]...)
	return len(p), nil
}
