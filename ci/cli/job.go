package cli

import (
	"bytes"
	"strings"

	"example.com/slipway/ci/gha"
	"example.com/slipway/ci/pipeline"
	"example.com/slipway/ci/report"
	"example.com/slipway/ci/step"
)

// screen is where a person sees what happens: a terminal, or the log of a job.
type screen interface {
	step.Reporter
	// Error prints the error that ended the command.
	Error(err error)
	// Close ends what moves on the screen.
	Close()
}

// jobLog is the log of a job. It stands still anyway, and the job itself is closed with
// the command.
type jobLog struct {
	step.Reporter
	*gha.Job
}

func (jobLog) Close() {}

// secretVariables have what no log may show.
var secretVariables = [...]string{
	"SLIPWAY_REGISTRY_PASSWORD", "SLIPWAY_REGISTRY_TOKEN", "GITHUB_TOKEN", "COSIGN_PASSWORD", "SIGSTORE_ID_TOKEN",
	"ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_RUNTIME_TOKEN", "DOCKER_AUTH_CONFIG",
}

// secrets are those that the environment has, with the key that SLIPWAY_SIGN_KEY may name.
func (s *session) secrets() []string {
	names := secretVariables[:]
	if key, ok := strings.CutPrefix(s.getenv("SLIPWAY_SIGN_KEY"), "env://"); ok {
		names = append(names, key)
	}
	var all []string
	for _, name := range names {
		all = append(all, s.getenv(name))
	}
	return all
}

// finish tells the job what a run left: annotations, summary and outputs.
func (s *session) finish(done *pipeline.Checked, written gha.Finish) error {
	if s.job == nil {
		return nil
	}
	var b bytes.Buffer
	if err := report.Write(&b, "markdown", done.Receipt); err != nil {
		return err
	}
	written.Markdown = b.Bytes()
	return s.job.Finish(done.Receipt, written)
}
