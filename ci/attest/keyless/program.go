package keyless

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"example.com/slipway/ci/attest/sign"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/process"
	"example.com/slipway/ci/step"
	"example.com/slipway/ci/tool"
)

// Program is tool.Sigstore on this machine. Its requests and answers are those of
// ci/tool/sigstore/main.go.
type Program struct {
	// File is where it is.
	File string
	// Options have the user's environment, of which it gets what says how the network is
	// reached, and the folder for what is kept between runs.
	Options tool.Options
}

// Find returns the program, which it builds where that was not done before; that takes
// minutes. The error is a *fault.Error of kind Unjudged.
func Find(ctx context.Context, o tool.Options, s step.Step) (Program, error) {
	file, err := tool.Sigstore().Install(ctx, o, s)
	return Program{File: file, Options: o}, err
}

// Public are the services of Sigstore's public instance, got through its update
// framework. The error is a *fault.Error of kind Registry.
func (p Program) Public(ctx context.Context) (Services, error) {
	a, err := p.ask(ctx, request{Op: "root", Cache: filepath.Join(p.Options.Cache, "sigstore")})
	if failed, ok := errors.AsType[*failure](err); ok {
		return Services{}, fault.New(fault.Registry, "getting what Sigstore's public instance is trusted by: %s", brief(failed.text)).
			WithFix("check the network, or name a trusted root and a signing configuration")
	}
	return Services{a.TrustedRoot, a.SigningConfig}, err
}

type request struct {
	Op            string          `json:"op"`
	TrustedRoot   json.RawMessage `json:"trustedRoot,omitempty"`
	SigningConfig json.RawMessage `json:"signingConfig,omitempty"`
	Cache         string          `json:"cache,omitempty"`
	Payload       []byte          `json:"payload,omitempty"`
	Token         string          `json:"token,omitempty"`
	Wait          time.Duration   `json:"wait,omitempty"`
	Retries       uint            `json:"retries,omitempty"`
	Bundle        []byte          `json:"bundle,omitempty"`
	Digest        string          `json:"digest,omitempty"`
	Name          string          `json:"name,omitempty"`
	NamePattern   string          `json:"namePattern,omitempty"`
	Issuer        string          `json:"issuer,omitempty"`
	IssuerPattern string          `json:"issuerPattern,omitempty"`
}

type answer struct {
	TrustedRoot   json.RawMessage `json:"trustedRoot"`
	SigningConfig json.RawMessage `json:"signingConfig"`
	Bundle        []byte          `json:"bundle"`
	Payload       []byte          `json:"payload"`
	Name          string          `json:"name"`
	Issuer        string          `json:"issuer"`
	Time          time.Time       `json:"time"`
	Stage         string          `json:"stage"`
	Error         string          `json:"error"`
}

// failure is the program's own answer that something failed.
type failure struct{ stage, text string }

func (f *failure) Error() string { return f.text }

const (
	// patience bounds a run of the program.
	patience = 5 * time.Minute
	// maxAnswer and maxSaid bound what it prints, in bytes: a bundle in base64, and lines.
	maxAnswer = 2 * sign.MaxBundle
	maxSaid   = 64 << 10
)

// ask runs the program for one request.
func (p Program) ask(ctx context.Context, r request) (answer, error) {
	for name, file := range map[string]json.RawMessage{"trusted root": r.TrustedRoot, "signing configuration": r.SigningConfig} {
		if len(file) > 0 && !json.Valid(file) {
			return answer{}, fault.New(fault.Usage, "the %s is not JSON", name).WithFix("cosign trusted-root create and cosign signing-config create make such files")
		}
	}
	text, err := json.Marshal(r)
	if err != nil {
		return answer{}, fmt.Errorf("encoding a request to %s: %w", p.File, err)
	}
	limited, cancel := context.WithTimeoutCause(ctx, patience, errors.New("it did not end within "+patience.String()))
	defer cancel()
	dir, err := os.MkdirTemp("", "slipway-sigstore-")
	if err != nil {
		return answer{}, fmt.Errorf("making a folder for %s: %w", p.File, err)
	}
	defer os.RemoveAll(dir)
	out, said := &bounded{left: maxAnswer}, &bounded{left: maxSaid}
	run := p.online
	if r.Op == "verify" {
		run = p.offline
	}
	err = run(limited, dir, text, out, said)
	switch {
	case ctx.Err() != nil:
		return answer{}, context.Cause(ctx)
	case limited.Err() != nil:
		err = context.Cause(limited)
	}
	var a answer
	if err == nil {
		err = json.Unmarshal(out.text.Bytes(), &a)
	}
	if err != nil {
		return answer{}, fault.New(fault.Registry, "running %s: %v", p.File, err).WithCause(err).
			WithDetail(brief(said.text.String())).WithFix("remove it, and slipway tool sigstore builds it again")
	}
	if a.Error != "" {
		return answer{}, &failure{a.Stage, a.Error}
	}
	return a, nil
}

// online runs the program where it reaches the services.
func (p Program) online(ctx context.Context, dir string, in []byte, out, said *bounded) error {
	cmd := process.Command(ctx, p.File)
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, p.environ(dir), bytes.NewReader(in), out, said
	return cmd.Run()
}

// offline runs the program without a network.
func (p Program) offline(ctx context.Context, dir string, in []byte, out, said *bounded) error {
	code, err := tool.Confined{
		Program: p.File, Dir: dir, Temp: dir, Stdin: bytes.NewReader(in), Stdout: out, Stderr: said, Options: p.Options,
	}.Run(ctx, step.Silent{}.Start(""))
	if err == nil && code != 0 {
		err = fmt.Errorf("it ended with exit code %d", code)
	}
	return err
}

// passed are the user's variables that say how the network is reached, whatever their case.
var passed = []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "SYSTEMROOT"}

func (p Program) environ(dir string) []string {
	env := []string{"HOME=" + dir, "USERPROFILE=" + dir, "PATH=/usr/bin:/bin", "TMPDIR=" + dir, "TMP=" + dir, "TEMP=" + dir}
	for _, pair := range p.Options.Env {
		name, _, _ := strings.Cut(pair, "=")
		if slices.Contains(passed, strings.ToUpper(name)) {
			env = append(env, pair)
		}
	}
	return env
}

// bounded keeps what a program prints, up to a limit. The buffer is not embedded: its
// ReadFrom would know of none.
type bounded struct {
	text bytes.Buffer
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	if len(p) > b.left {
		return 0, errors.New("it printed too much")
	}
	b.left -= len(p)
	return b.text.Write(p)
}
