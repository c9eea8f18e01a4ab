package project

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/process"
)

const (
	// commandLimit bounds one git command: a pipe in place of a file of the
	// repository, or a tree that unfolds without end, would hold it for ever.
	commandLimit = time.Minute
	// outputLimit bounds what one git command may print, in bytes.
	outputLimit = 64 << 20
	// complaintLimit bounds what is kept of its complaints, in bytes.
	complaintLimit = 64 << 10
)

// repository runs git plumbing in one folder.
type repository struct {
	program string
	// root is the folder that has the .git.
	root string
	env  []string
	// limit is how long one command may take.
	limit time.Duration
}

// options turn off what git could start on its own account. None of the commands
// that are used here would start it; these options say so once more.
func options() []string {
	return []string{
		"--no-pager", "--no-optional-locks", "--no-replace-objects",
		"-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.DevNull,
		"-c", "core.alternateRefsCommand=", "-c", "core.sshCommand=", "-c", "protocol.allow=never",
		"-c", "safe.bareRepository=explicit",
	}
}

// gitEnv takes away every variable that would lead git to another repository, and
// forbids it to ask, to fetch and to look above root. Where the user's own
// configuration lies stays: safe.directory counts only there.
func gitEnv(env []string, root string) []string {
	keep := []string{"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"}
	kept := slices.DeleteFunc(slices.Clone(env), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return strings.HasPrefix(strings.ToUpper(name), "GIT_") && !slices.Contains(keep, name)
	})
	return append(kept,
		"GIT_CEILING_DIRECTORIES="+filepath.Dir(root),
		// core.worktree of the repository's configuration may name any folder.
		"GIT_WORK_TREE="+root,
		"GIT_LITERAL_PATHSPECS=1",
		"GIT_OPTIONAL_LOCKS=0", "GIT_NO_REPLACE_OBJECTS=1", "GIT_TERMINAL_PROMPT=0",
		// A partial clone fetches what it lacks, by programs that its configuration
		// names. Releases that do not know the first variable obey the second.
		"GIT_NO_LAZY_FETCH=1", "GIT_ALLOW_PROTOCOL=none",
		"LC_ALL=C", "LANGUAGE=C",
	)
}

// gitProgram returns the absolute path of git, or "" where there is none. A git in
// the working directory never counts.
func gitProgram(o Options) (string, error) {
	if o.Git != "" && filepath.Base(o.Git) != o.Git {
		program, err := filepath.Abs(o.Git)
		if err == nil {
			_, err = exec.LookPath(program)
		}
		if err != nil {
			return "", fault.New(fault.Usage, "the git program %s cannot be run", shown(o.Git)).WithFix("name another one").WithCause(err)
		}
		return program, nil
	}
	name := o.Git
	if name == "" {
		name = "git"
	}
	for _, kv := range slices.Backward(o.Env) {
		key, folders, _ := strings.Cut(kv, "=")
		if key != "PATH" && (runtime.GOOS != "windows" || !strings.EqualFold(key, "PATH")) {
			continue
		}
		program, _ := process.Find(name, folders)
		return program, nil
	}
	return "", nil
}

// line runs a command that prints one line.
func (r *repository) line(ctx context.Context, args ...string) (string, error) {
	out, err := r.run(ctx, args...)
	return strings.TrimSuffix(string(out), "\n"), err
}

// run returns what a plumbing command prints. Its errors are the context's, or
// *fault.Error of kind Usage.
func (r *repository) run(ctx context.Context, args ...string) ([]byte, error) {
	out, complaints, err := r.start(ctx, args...)
	switch {
	case err == nil:
		return out, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, context.DeadlineExceeded):
		return nil, r.broken(fmt.Sprintf("git %s was stopped after %s", args[0], r.limit), nil).WithCause(err)
	case errors.Is(err, errTooMuch):
		return nil, r.broken(fmt.Sprintf("git %s prints more than %d bytes", args[0], outputLimit), nil).WithCause(err)
	}
	said := strings.Join(complaints, "\n")
	if strings.Contains(said, "dubious ownership") || strings.Contains(said, "unsafe repository") {
		return nil, fault.New(fault.Usage, "git refuses to read the repository %s, because it belongs to another user", shown(r.root)).
			WithFix("trust it: git config --global --add safe.directory %s", shellWord(r.root)).
			WithDetail(complaints...).WithCause(err)
	}
	why := fmt.Sprintf("git %s: %v", args[0], err)
	if len(complaints) > 0 {
		why = shown(strings.TrimPrefix(complaints[0], "fatal: "))
	}
	return nil, r.broken(why, complaints).WithCause(err)
}

// broken says that git cannot read the repository.
func (r *repository) broken(why string, complaints []string) *fault.Error {
	return fault.New(fault.Usage, "git cannot read the repository %s: %s", shown(r.root), why).
		WithFix("repair it, which git fsck helps with, or take %s away to build without version and commit", shown(filepath.Join(r.root, ".git"))).
		WithDetail(complaints...)
}

func (r *repository) start(ctx context.Context, args ...string) (out []byte, complaints []string, err error) {
	limited, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	cmd := exec.CommandContext(limited, r.program, slices.Concat(options(), args)...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = r.root, r.env, 2*time.Second
	stdout, stderr := &bounded{limit: outputLimit}, &bounded{limit: complaintLimit, drop: true}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	err = cmd.Run()
	switch {
	case stdout.over:
		err = errTooMuch
	case err != nil && limited.Err() != nil:
		err = limited.Err()
	}
	for line := range strings.Lines(stderr.text.String()) {
		if line = strings.TrimSpace(line); line != "" {
			complaints = append(complaints, shown(line))
		}
	}
	return stdout.text.Bytes(), complaints, err
}

// head returns the id of the commit that is checked out, or "" before the first
// commit: HEAD then names a branch that does not exist, which is not read further.
func (r *repository) head(ctx context.Context) (string, error) {
	out, _, err := r.start(ctx, "rev-parse", "--verify", "--quiet", "HEAD")
	if id := strings.TrimSpace(string(out)); err == nil && objectID.MatchString(id) {
		return id, nil
	}
	_, err = r.run(ctx, "symbolic-ref", "--quiet", "HEAD")
	return "", err
}

// objectID is a SHA-1 or SHA-256 in hexadecimal digits.
var objectID = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

var errTooMuch = errors.New("too much output")

// bounded keeps the first limit bytes. Beyond them it drops or, so that the program
// that writes is stopped, refuses what comes.
type bounded struct {
	text  bytes.Buffer
	limit int
	drop  bool
	over  bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if room := b.limit - b.text.Len(); len(p) > room {
		b.over = true
		b.text.Write(p[:room])
		if !b.drop {
			return room, errTooMuch
		}
		return len(p), nil
	}
	return b.text.Write(p)
}

// shellWord quotes a path for the command line that a fix suggests.
func shellWord(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(shorten(s), "'", `'\''`) + "'"
}

var plainWord = regexp.MustCompile(`^[\w./:@%+,\\-]+$`)
