package gha

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/sethvargo/go-githubactions"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/receipt"
)

// Finish is what a run leaves with its job beside its receipt.
type Finish struct {
	// Markdown is the summary. There is none without.
	Markdown []byte
	// Root is the source folder in the repository, as a slash path: "." for its root.
	// The default is what the receipt says.
	Root string
	// Receipt and Report are the files of those names, where there are any.
	Receipt, Report string
}

// Finish makes the annotations of a receipt, the summary and the outputs. Where one of
// them fails, the others are made all the same.
func (j *Job) Finish(r *receipt.Receipt, f Finish) error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if r == nil {
		return j.summary(f.Markdown)
	}
	var list []command
	for _, a := range limited(annotations(r, f.Root)) {
		list = append(list, j.commandOf(a))
	}
	j.issue(list...)
	return errors.Join(j.summary(f.Markdown), j.outputs(r, f))
}

const (
	summaryFile = "GITHUB_STEP_SUMMARY"
	outputFile  = "GITHUB_OUTPUT"
	// maxSummary is what the runner takes as the summary of a step, in bytes. It drops a
	// larger one as a whole.
	maxSummary = 1 << 20
	cutSummary = "\n\nThe rest is left out, because the summary of a step has at most 1 MiB.\n"
)

// summary appends Markdown to the summary of the step, which may have some already.
func (j *Job) summary(markdown []byte) error {
	if len(markdown) == 0 {
		return nil
	}
	size, err := j.ready(summaryFile)
	if size < 0 || err != nil {
		return err
	}
	text := j.veiled(strings.TrimRight(string(markdown), "\n")) // the library ends it with a line feed
	if room := maxSummary - int(size) - 1; len(text) > room {
		end := strings.LastIndexByte(text[:max(room-len(cutSummary), 0)], '\n')
		if end < 0 {
			j.note("the summary is left out: the step's own has no room for it")
			return nil
		}
		text = text[:end] + strings.TrimRight(cutSummary, "\n")
	}
	return j.append(summaryFile, func(to *githubactions.Action) { to.AddStepSummary(text) })
}

// ready tells how large a file of the runner's is, or -1 where it has none. It makes all
// its files before it starts a step.
func (j *Job) ready(name string) (int64, error) {
	file := j.getenv(name)
	if file == "" {
		j.note(name + " is not set, so nothing is written there")
		return -1, nil
	}
	info, err := os.Stat(file)
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a regular file")
	}
	if err != nil {
		return -1, unwritten(name, err)
	}
	return min(info.Size(), maxSummary), nil
}

func unwritten(name string, err error) error {
	return fault.New(fault.Usage, "writing to the file of %s: %v", name, err).
		WithFix("leave the variable and the file to the runner, which makes one for each step").WithCause(err)
}

// append lets the library append to a file of the runner's. It panics where it cannot,
// which is an error here.
func (j *Job) append(name string, write func(*githubactions.Action)) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = unwritten(name, fmt.Errorf("%v", p))
		}
	}()
	write(githubactions.New(githubactions.WithGetenv(j.getenv), githubactions.WithWriter(j.out)))
	return nil
}

// output is one output of a step. Its values are one a line.
type output struct {
	name   string
	values []string
}

// outputs sets the outputs of the step.
func (j *Job) outputs(r *receipt.Receipt, f Finish) error {
	if size, err := j.ready(outputFile); size < 0 || err != nil {
		return err
	}
	for _, o := range append(outputsOf(r), output{"receipt", []string{f.Receipt}}, output{"report", []string{f.Report}}) {
		value := strings.Join(o.values, "\n")
		switch {
		case value == "":
			continue
		case !j.fit(o):
			j.note("the output " + o.name + " is left out: its value is no plain text")
			continue
		}
		if err := j.append(outputFile, func(to *githubactions.Action) { to.SetOutput(o.name, value) }); err != nil {
			return err
		}
	}
	return nil
}

// outputsOf are the outputs that a receipt tells. An image has an address once it is
// complete in a repository.
func outputsOf(r *receipt.Receipt) []output {
	var digest string
	var images, tags, sboms []string
	if len(r.Images) > 0 {
		digest = r.Images[0].Digest
	}
	for _, p := range r.Run.Publications {
		if p.State != receipt.Published && p.State != receipt.Unchanged {
			continue
		}
		images = append(images, p.Repository+"@"+p.Digest)
		for _, a := range p.Attestations {
			if a.Type == attest.SPDX && a.Digest != "" {
				sboms = append(sboms, p.Repository+"@"+a.Digest)
			}
		}
		for _, t := range p.Tags {
			if t.Outcome == receipt.TagCreated || t.Outcome == receipt.TagMoved || t.Outcome == receipt.TagUnchanged {
				tags = append(tags, p.Repository+":"+t.Name)
			}
		}
	}
	return []output{
		{"verdict", []string{string(r.Verdict)}}, {"digest", []string{digest}},
		{"image", images[:min(len(images), 1)]}, {"images", images}, {"tags", tags}, {"sbom", sboms}, {"replay", []string{r.Run.Replay}},
	}
}

// delimiter ends a value in the file of outputs. The library has but this one, so no
// value may have it.
const delimiter = "_GitHubActionsFileCommandDelimeter_"

// reference is what images and tags are made of.
var reference = regexp.MustCompile(`^[A-Za-z0-9._/:@+\[\]-]+$`)

// fit tells whether values can be an output: a line as it prints, or several of
// references, without a secret.
func (j *Job) fit(o output) bool {
	for _, v := range o.values {
		if plain.Line(v) != v || j.veiled(v) != v || strings.Contains(v, delimiter) || len(o.values) > 1 && !reference.MatchString(v) {
			return false
		}
	}
	return true
}
