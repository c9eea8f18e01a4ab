// Package cli is the front door: verbs, flags, exit codes and what a terminal
// shows. A command is a value with its own streams and environment.
package cli

import (
	"context"
	"io"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/gha"
	"example.com/slipway/ci/pipeline"
	"example.com/slipway/ci/process"
	"example.com/slipway/ci/term"
)

// Command is one call of slipway.
type Command struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Env is the environment, as os.Environ gives it.
	Env []string
	// Dir is the working directory.
	Dir string
}

// Run carries out a command line and returns the exit code.
func (c *Command) Run(ctx context.Context, args []string) int {
	s := &session{Command: c}
	s.job = gha.New(s.getenv, c.Stderr)
	defer s.job.Close()
	s.job.Mask(s.secrets()...)
	root := s.root()
	root.SetArgs(args)
	root.SetIn(c.Stdin)
	root.SetOut(c.Stdout)
	root.SetErr(c.Stderr)
	err := root.ExecuteContext(ctx)
	ui := s.screen()
	ui.Close()
	if err = ended(ctx, err); err != nil {
		if fault.KindOf(err) == fault.Bug && unwritten(err) {
			err = unwritable(err)
		}
		ui.Error(err)
	}
	return exitCode(ctx, err)
}

// session is a command while it runs.
type session struct {
	*Command
	ui screen
	// job is that of GitHub Actions, or nil elsewhere.
	job     *gha.Job
	src     string
	quiet   bool
	verbose bool
}

func (s *session) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "slipway",
		Short: "Slipway takes a Go service's source folder and launches a container",
		Long: "Slipway takes a Go service's source folder and launches a container:\n" +
			"static, distroless, nonroot, with one digest wherever it was built.",
		SilenceErrors: true, SilenceUsage: true,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fault.New(fault.Usage, "%v", err).WithFix("%s --help lists the flags", cmd.CommandPath())
	})
	flags := root.PersistentFlags()
	flags.StringVar(&s.src, "src", ".", "source folder")
	flags.BoolVarP(&s.quiet, "quiet", "q", false, "print errors only")
	flags.BoolVarP(&s.verbose, "verbose", "v", false, "print what the tools print")
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveDefault)
	for _, verb := range []func() *cobra.Command{s.buildVerb, s.testVerb, s.checkVerb, s.publishVerb, s.verifyVerb, s.reproduceVerb, s.runVerb, s.planVerb, s.inspectVerb, s.reportVerb, s.initVerb, s.engineVerb, s.toolVerb, s.doctorVerb, s.versionVerb} {
		cmd := verb()
		cmd.Args = usage(cmd.Args)
		root.AddCommand(cmd)
	}
	return root
}

// usage makes cobra's complaints about arguments errors in our form.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if check == nil {
			check = cobra.NoArgs
		}
		if err := check(cmd, args); err != nil {
			return fault.New(fault.Usage, "%v", err).WithFix("%s --help shows how it is called", cmd.CommandPath())
		}
		return nil
	}
}

// screen is made once, when flags have been read.
func (s *session) screen() screen {
	if s.ui == nil && s.job != nil {
		s.ui = jobLog{s.job.Reporter(), s.job}
	}
	if s.ui == nil {
		terminal, width, height := term.Window(s.Stderr)
		o := term.Detect(s.getenv, terminal)
		o.Out, o.Width, o.Height, o.Quiet, o.Verbose = s.Stderr, width, height, s.quiet, s.verbose
		s.ui = term.New(o)
	}
	return s.ui
}

// getenv answers from the command's own environment: the last entry of a name holds.
func (s *session) getenv(name string) string { return process.Getenv(s.Env, name) }

// pipeline is made for the source folder and engine that the flags name.
func (s *session) pipeline() (*pipeline.Pipeline, error) {
	cache, err := s.cacheDir()
	if err != nil {
		return nil, err
	}
	return &pipeline.Pipeline{
		Dir: s.path(s.src), WorkDir: s.Dir, Env: s.Env, Cache: cache, Engine: s.engine, Reporter: s.screen(),
	}, nil
}

// said gathers what the flags, the environment and the file say.
func (s *session) said(flags *config.Flags) func(*config.File) (*config.Said, error) {
	return func(file *config.File) (*config.Said, error) { return config.Gather(file, s.getenv, flags) }
}

func (s *session) path(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(s.Dir, name)
}

// cacheDir follows the system's rule for a user's cache folder.
func (s *session) cacheDir() (string, error) {
	var dir string
	switch {
	case s.getenv("SLIPWAY_CACHE") != "":
		return s.path(s.getenv("SLIPWAY_CACHE")), nil
	case runtime.GOOS == "windows":
		dir = s.getenv("LocalAppData")
	case filepath.IsAbs(s.getenv("XDG_CACHE_HOME")):
		dir = s.getenv("XDG_CACHE_HOME")
	case runtime.GOOS == "darwin" && s.getenv("HOME") != "":
		dir = filepath.Join(s.getenv("HOME"), "Library", "Caches")
	case s.getenv("HOME") != "":
		dir = filepath.Join(s.getenv("HOME"), ".cache")
	}
	if dir == "" {
		return "", fault.New(fault.Usage, "there is no cache folder, because neither HOME nor XDG_CACHE_HOME is set").
			WithFix("set SLIPWAY_CACHE to a folder")
	}
	return filepath.Join(dir, "slipway"), nil
}
