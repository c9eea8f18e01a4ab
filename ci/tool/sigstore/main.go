//go:build ignore

// Command slipway-sigstore signs statements with an identity instead of a key, and
// checks such signatures. It is a module of its own, because Sigstore's library takes
// longer to compile than all of Slipway; ci/attest/keyless asks it. One request comes on
// its input and one answer leaves on its output, as JSON. No secret is in its arguments.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// request is what somebody wants.
type request struct {
	// Op is root, sign or verify.
	Op string `json:"op"`
	// TrustedRoot and SigningConfig are Sigstore's files of those names.
	TrustedRoot   json.RawMessage `json:"trustedRoot,omitempty"`
	SigningConfig json.RawMessage `json:"signingConfig,omitempty"`
	// Cache is a folder for what the update framework keeps: with root.
	Cache string `json:"cache,omitempty"`
	// Payload is the statement, Token the OIDC token: with sign.
	Payload []byte `json:"payload,omitempty"`
	Token   string `json:"token,omitempty"`
	// Wait bounds each question to a service in nanoseconds, Retries how often one that
	// fails is asked again: with sign.
	Wait    time.Duration `json:"wait,omitempty"`
	Retries uint          `json:"retries,omitempty"`
	// Bundle is what has to be signed by somebody: with verify.
	Bundle []byte `json:"bundle,omitempty"`
	// Digest is what it has to be about: with verify.
	Digest string `json:"digest,omitempty"`
	// Name and Issuer are of who has to have signed it, or the regular expressions of
	// them: with verify.
	Name          string `json:"name,omitempty"`
	NamePattern   string `json:"namePattern,omitempty"`
	Issuer        string `json:"issuer,omitempty"`
	IssuerPattern string `json:"issuerPattern,omitempty"`
}

// answer is what comes of it.
type answer struct {
	TrustedRoot   json.RawMessage `json:"trustedRoot,omitempty"`
	SigningConfig json.RawMessage `json:"signingConfig,omitempty"`
	Bundle        []byte          `json:"bundle,omitempty"`
	Payload       []byte          `json:"payload,omitempty"`
	Name          string          `json:"name,omitempty"`
	Issuer        string          `json:"issuer,omitempty"`
	Time          time.Time       `json:"time,omitzero"`
	// Stage tells where it failed, Error why.
	Stage string `json:"stage,omitempty"`
	Error string `json:"error,omitempty"`
}

// failure is an error at a stage.
type failure struct {
	stage string
	err   error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// at names the stage at which something failed.
func at(stage string, err error) error {
	if err == nil {
		return nil
	}
	return &failure{stage, err}
}

// maxRequest bounds a request, in bytes: a bundle of 64 MiB and what is around it.
const maxRequest = 128 << 20

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdin, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run answers one request. A failure is an answer too.
func run(ctx context.Context, in io.Reader, out io.Writer) error {
	text, err := io.ReadAll(io.LimitReader(in, maxRequest))
	if err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	var r request
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("reading the request: %w", err)
	}
	a, err := serve(ctx, r)
	if err != nil {
		a = answer{Stage: "program", Error: err.Error()}
		if f, ok := errors.AsType[*failure](err); ok {
			a.Stage = f.stage
		}
	}
	if err := json.NewEncoder(out).Encode(a); err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	return nil
}

// serve does what is asked. What a service or a registry sent can lead the libraries
// below to where nothing is.
func serve(ctx context.Context, r request) (a answer, err error) {
	stage := "program"
	defer func() {
		if recover() != nil {
			a, err = answer{}, at(stage, errors.New("what came cannot be read"))
		}
	}()
	switch r.Op {
	case "root":
		return fetchRoot(ctx, r)
	case "sign":
		return signStatement(ctx, r, &stage)
	case "verify":
		stage = stageBundle
		return verifyBundle(r)
	}
	return answer{}, fmt.Errorf("there is no operation %q", r.Op)
}
