// Package replay makes a recorded run again and compares: from its receipt, or from the
// short token that it printed. Both come from outside, and nothing that they say is
// believed unless it is checked.
package replay

import (
	"cmp"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/receipt"
)

// Record is what a run is repeated from.
type Record struct {
	// Commit is its full id, Folder the source folder in the repository as a slash path,
	// Remote where the repository comes from, or empty.
	Commit, Folder, Remote string
	// Pull is the number of the pull request whose merge the commit is, or 0.
	Pull int
	// Request has those settings only that are said again.
	Request receipt.Request
	// Version and Epoch are said again too: they may come from tags, which a checkout of
	// one commit does not have.
	Version string
	Epoch   int64
	// Print is what is compared where nothing else is known.
	Print Fingerprint
	// Receipt is nil where only the token is known.
	Receipt *receipt.Receipt
}

var (
	commitForm = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)
	pullForm   = regexp.MustCompile(`^refs/pull/([1-9][0-9]{0,8})/merge$`)
)

const (
	// maxDirty bounds how many files an error names.
	maxDirty = 20
	// maxRerun bounds how often failed tests are run again on a receipt's word.
	maxRerun = 10
)

// Of is the record of a receipt. The error says why its run cannot be repeated.
func Of(r *receipt.Receipt) (*Record, error) {
	s := r.Source
	switch {
	case s == nil || s.Commit == "":
		return nil, fault.New(fault.Usage, "the receipt names no commit: its run ended before that, or its sources were in no repository").
			WithFix("run slipway check in a clone of the repository")
	case !commitForm.MatchString(s.Commit):
		return nil, fault.New(fault.Usage, "the receipt has %.100q for a commit", s.Commit).WithFix("want 40 or 64 hexadecimal digits")
	case !filepath.IsLocal(filepath.FromSlash(s.Folder)):
		return nil, fault.New(fault.Usage, "the receipt's source folder %.100q is none of a repository", s.Folder).WithFix("want a path below the repository's root")
	case len(s.Dirty) > 0:
		return nil, fault.New(fault.Usage, "the run was made from files that are in no commit").
			WithDetail(s.Dirty[:min(len(s.Dirty), maxDirty)]...).WithFix("commit them and run slipway check again")
	}
	asked := r.Run.Request
	if asked.Rerun < 0 || asked.Rerun > maxRerun {
		return nil, fault.New(fault.Usage, "the receipt wants failed tests run again %d times", asked.Rerun).WithFix("at most %d times are", maxRerun)
	}
	if asked.Verb != "check" && asked.Verb != "publish" {
		return nil, fault.New(fault.Usage, "the receipt is of slipway %.100q, which is not repeated", asked.Verb).WithFix("check and publish are")
	}
	gates, err := inOrder(asked.Gates)
	if err != nil {
		return nil, err
	}
	asked.Gates, asked.Settings = gates, config.Repeated(asked.Settings)
	rec := &Record{Commit: s.Commit, Folder: s.Folder, Remote: s.Remote, Request: asked, Print: fingerprint(r), Receipt: r}
	if m := pullForm.FindStringSubmatch(r.Run.Plan.Ref); m != nil {
		rec.Pull, _ = strconv.Atoi(m[1])
	}
	if len(r.Images) > 0 {
		rec.Version, rec.Epoch = r.Images[0].Plan.Version, r.Images[0].Plan.Epoch
	}
	return rec, nil
}

// inOrder puts gates into the order of finding.Gates.
func inOrder(names []string) ([]string, error) {
	var list []string
	for _, name := range finding.Gates() {
		if slices.Contains(names, name) {
			list = append(list, name)
		}
	}
	for _, name := range names {
		if !slices.Contains(list, name) {
			return nil, fault.New(fault.Usage, "the receipt asks for the gate %.100q, which this Slipway does not have", name).
				WithFix("reproduce it with the Slipway that wrote it")
		}
	}
	return list, nil
}

// Settings are all that is said again, with the version and the epoch.
func (r *Record) Settings() map[string][]string {
	all := config.Repeated(r.Request.Settings)
	if all == nil {
		all = map[string][]string{}
	}
	if r.Version != "" {
		all["version"] = []string{r.Version}
	}
	if r.Print.planned() {
		all["epoch"] = []string{strconv.FormatInt(r.Epoch, 10)}
	}
	return all
}

// Digest tells whether a digest is what the run is held against, and not a failure.
func (r *Record) Digest() bool {
	return r.Print.Kind == "" || r.Print.Kind == kindRegistry
}

// Failed is the command that failed, for somebody to run by hand, or empty.
func (r *Record) Failed() []string {
	if r.Receipt != nil && r.Receipt.Failure != nil {
		for _, c := range slices.Backward(commands(r.Receipt, r.Receipt.Failure.Step)) {
			if c.Exit != 0 {
				return c.Args
			}
		}
	}
	switch r.Print.Kind {
	case kindSource:
		return []string{"go", "build", "./..."}
	case kindTests:
		return []string{"go", "test", "./..."}
	}
	return nil
}

// Command is the request as a command line, for people.
func (r *Record) Command() string {
	words := []string{"slipway", cmp.Or(r.Request.Verb, "check")}
	for _, gate := range r.Request.Gates {
		words = append(words, "--gate="+gate)
	}
	if r.Request.Twice && !slices.Contains(r.Request.Gates, finding.GateReproducible) {
		words = append(words, "--twice")
	}
	if r.Request.Rerun > 0 {
		words = append(words, "--rerun-failed="+strconv.Itoa(r.Request.Rerun))
	}
	for _, name := range sorted(r.Request.Settings) {
		for _, value := range r.Request.Settings[name] {
			words = append(words, "--"+name+"="+value)
		}
	}
	return strings.Join(words, " ")
}
