package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/spf13/cobra"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/project"
	"example.com/slipway/ci/scaffold"
)

// beginning is what the flags of init say.
type beginning struct {
	main, smokeArgs                []string
	target, branch, action, budget string
	dagger                         bool
	force, check, print            bool
}

func (s *session) initVerb() *cobra.Command {
	var b beginning
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write the workflow and the settings by which a repository uses Slipway",
		Long: "Init writes a workflow for GitHub, .slipway.yaml where Slipway cannot see all by itself,\n" +
			".dockerignore, a line of .gitignore and Dependabot's settings. A workflow that differs, or a\n" +
			"dagger.json that has Slipway's functions alone, is overwritten if somebody at a terminal says\n" +
			"so, or with --force; the other files are made where they are missing and left alone\n" +
			"afterwards. --check, with the flags that the files were written with, says what is out of date\n" +
			"and makes the exit code 20.",
	}
	cmd.Flags().StringSliceVar(&b.main, "main", nil, "folder of package main to build, where there are several, or all")
	cmd.Flags().StringSliceVar(&b.smokeArgs, "smoke-args", nil, "arguments that a trial starts the image with, where it does not start without")
	cmd.Flags().StringVar(&b.budget, "budget", "", "size that an image may have, compressed, where 15MB is too little")
	cmd.Flags().StringVar(&b.target, "target", "", "repository to publish to; the default is ghcr.io and the name of the git remote on GitHub")
	cmd.Flags().StringVar(&b.branch, "branch", "", "branch to publish; the default is the remote's, else main")
	cmd.Flags().StringVar(&b.action, "action", "", "action of the workflow as OWNER/REPO@COMMIT#VERSION; the default is the commit of this program in "+scaffold.Repository)
	cmd.Flags().BoolVar(&b.dagger, "dagger", false, "write dagger.json, too, by which dagger call runs Slipway's functions here")
	cmd.Flags().BoolVar(&b.force, "force", false, "overwrite a workflow that differs")
	cmd.Flags().BoolVar(&b.check, "check", false, "write nothing and say what is missing or out of date")
	cmd.Flags().BoolVar(&b.print, "print", false, "write nothing and print the files, as a txtar archive")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return s.init(cmd.Context(), b) }
	return cmd
}

func (s *session) init(ctx context.Context, b beginning) error {
	if b.check && b.print || b.force && (b.check || b.print) {
		return fault.New(fault.Usage, "--check, --print and --force exclude each other").WithFix("choose one")
	}
	p, err := project.Read(ctx, project.Options{Dir: s.path(s.src), Env: s.Env})
	if err != nil {
		return err
	}
	facts, err := s.facts(p, b)
	if err != nil {
		return err
	}
	tree, err := openTree(p.TreeRoot)
	if err != nil {
		return err
	}
	defer func() { _ = tree.Close() }()
	if facts.Existing, err = tree.read(scaffold.Paths(facts.Folder)); err != nil {
		return err
	}
	files, err := scaffold.Files(facts)
	if err != nil {
		return err
	}
	switch {
	case b.print:
		return s.printFiles(files)
	case b.check:
		return s.checkFiles(files)
	}
	if err := s.writeFiles(ctx, tree, files, b.force); err != nil {
		return err
	}
	if b.dagger {
		s.screen().Note(daggerLine(facts))
	}
	return nil
}

// daggerLine says how Dagger comes to Slipway.
func daggerLine(f scaffold.Facts) string {
	if f.Copy {
		return "dagger call needs Slipway's dagger.json, which names the folders of ci: copy it beside ci"
	}
	if f.Folder != "." {
		return fmt.Sprintf("dagger call --dir %q build builds it", plain.Line(f.Folder))
	}
	return "dagger call build builds it; dagger functions lists the rest"
}

func (s *session) printFiles(files []scaffold.File) error {
	var a txtar.Archive
	for _, f := range files {
		if f.State != scaffold.Kept {
			a.Files = append(a.Files, txtar.File{Name: f.Path, Data: []byte(f.Text)})
		}
	}
	_, err := s.Stdout.Write(txtar.Format(&a))
	return err
}

// checkFiles says what is not as it should be. That is a verdict, not a wrong call.
func (s *session) checkFiles(files []scaffold.File) error {
	var stale []string
	for _, f := range files {
		s.tell(stateWords[f.State], f)
		if f.Outdated() {
			stale = append(stale, plain.Line(f.Path))
		}
	}
	if len(stale) == 0 {
		return nil
	}
	return fault.New(fault.Gate, "out of date: %s", strings.Join(stale, ", ")).WithFix("run slipway init, and add what it names to the files that it leaves alone")
}

var stateWords = map[scaffold.State]string{
	scaffold.Absent: "missing", scaffold.Current: "current", scaffold.Short: "short", scaffold.Differs: "differs", scaffold.Kept: "yours",
}

// tell prints a line about a file, and what is to be added to it by hand.
func (s *session) tell(word string, f scaffold.File) {
	fmt.Fprintf(s.Stdout, "%-8s %s\n", word, plain.Line(f.Path))
	for _, line := range f.Missing {
		fmt.Fprintf(s.Stdout, "%-8s   add %s\n", "", plain.Line(line))
	}
}
