package actions

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rhysd/actionlint"
)

// turn is one step while it runs.
type turn struct {
	*frame
	step, root *Step
	log        *log
	env        map[string]string
	scope      scope
}

// shells are those that a step may name, as the runner starts them.
// https://github.com/actions/runner/blob/main/src/Runner.Worker/Handlers/ScriptHandlerHelpers.cs
var shells = map[string][]string{
	"":     {"bash", "-e"},
	"bash": {"bash", "--noprofile", "--norc", "-e", "-o", "pipefail"},
	"sh":   {"sh", "-e"},
}

// script runs the commands of a step.
func (t *turn) script(ctx context.Context, run *actionlint.ExecRun) error {
	text, err := t.scope.fill(run.Run.Value)
	if err != nil {
		return err
	}
	if strings.Contains(run.Run.Value, "${{") {
		t.log.violation("%s: an expression inside of run: %s", t.step.Name, run.Run.Value)
	}
	name, dir := value(run.Shell), value(run.WorkingDirectory)
	if !t.action {
		name, dir = t.defaults(name, dir)
	} else if name == "" {
		return errors.New("a step of an action has to name its shell")
	}
	shell, ok := shells[name]
	if !ok {
		return fmt.Errorf("the shell %q is not known here", name)
	}
	if dir, err = t.scope.fill(dir); err != nil {
		return err
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(t.result.Workspace, dir)
	}
	if _, err := os.Stat(dir); err != nil {
		return failed("An error occurred trying to start process '%s' with working directory '%s'.", shell[0], dir)
	}
	file, err := os.CreateTemp(t.temp, "run-*.sh")
	if err != nil {
		return err
	}
	if _, err := file.WriteString(text); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return t.program(ctx, dir, append(append([]string{}, shell...), file.Name()))
}

// defaults are shell and folder of the steps of a job that name none.
func (t *turn) defaults(shell, dir string) (string, string) {
	for _, d := range []*actionlint.Defaults{t.ast.Defaults, t.workflow.Defaults} {
		if d == nil || d.Run == nil {
			continue
		}
		if shell == "" {
			shell = value(d.Run.Shell)
		}
		if dir == "" {
			dir = value(d.Run.WorkingDirectory)
		}
	}
	return shell, dir
}

// program runs a program with the environment and the files of a step.
func (t *turn) program(ctx context.Context, dir string, args []string) error {
	files, err := newFiles(t.temp)
	if err != nil {
		return err
	}
	env := t.environ(t.frame, t.env, files)
	for _, kv := range env {
		if name, value, _ := strings.Cut(kv, "="); t.secret.hides(value) {
			t.result.Reach.Env = append(t.result.Reach.Env, t.called()+"/"+name)
		}
	}
	if t.step.Code, err = execute(ctx, t.Grace, dir, env, args, t.log); err != nil {
		return err
	}
	if t.step.Code != 0 {
		t.log.annotate(Annotation{Level: "error", Message: fmt.Sprintf("Process completed with exit code %d.", t.step.Code)})
	}
	return t.after(files)
}

// after reads what a step told through its files.
func (t *turn) after(files files) error {
	outputs, err := ParsePairs(files.read("GITHUB_OUTPUT"))
	for _, p := range outputs {
		t.step.Outputs[p.Name] = p.Value
	}
	if err != nil {
		t.log.fail("Unable to process file command 'output' successfully.")
		t.log.fail("%s", err)
	}
	set, err := ParsePairs(files.read("GITHUB_ENV"))
	for _, p := range set {
		if strings.EqualFold(p.Name, "NODE_OPTIONS") {
			t.log.annotate(Annotation{Level: "error", Message: "Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command."})
			continue
		}
		t.job.env[p.Name] = p.Value
	}
	if err != nil {
		t.log.fail("Unable to process file command 'env' successfully.")
		t.log.fail("%s", err)
	}
	for line := range strings.SplitSeq(files.read("GITHUB_PATH"), "\n") {
		if line = strings.TrimSuffix(line, "\r"); line != "" {
			t.path = append(t.path, line)
		}
	}
	summary := files.read("GITHUB_STEP_SUMMARY")
	if len(summary) > maxSummary {
		t.log.annotate(Annotation{Level: "error", Message: fmt.Sprintf("$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of %dk, got %dk.", maxSummary>>10, len(summary)>>10)})
		summary = ""
	}
	t.step.Summary = t.mask.hide(summary)
	return nil
}

// called is how a step is named in what a job could reach.
func (t *turn) called() string {
	if t.step.ID != "" {
		return t.step.ID
	}
	return t.step.Name
}
