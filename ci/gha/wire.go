package gha

import (
	"bytes"
	"io"
	"strings"
	"unicode"

	"github.com/sethvargo/go-githubactions"

	"example.com/slipway/ci/plain"
)

// What the runner does with a line (ActionCommand.cs, ActionCommandManager.cs and
// OutputManager.cs of github.com/actions/runner):
//
//   - A line that begins with ::name::, after white space, is a command, and so is one
//     with ##[name] anywhere. It looks for both as a language does, to which marks that
//     do not print are nothing.
//   - After ::stop-commands::TOKEN it hears no command but ::TOKEN::.
//   - A line that is no command goes to the log, and the page of the log shows
//     ##[group] and ##[endgroup] there as a group. ::group:: does nothing but write that
//     line. So groups are written as the log has them: nothing has to be heard for them.

// command is one command of the runner. Its String escapes what it carries.
type command = githubactions.Command

// issue writes commands where the runner hears them. It is one write of nothing but our
// own lines, so that no line from outside can come between.
func (j *Job) issue(list ...command) {
	if len(list) == 0 {
		return
	}
	if token := j.token; token != "" {
		list = append(append([]command{{Name: token}}, list...), command{Name: "stop-commands", Message: token})
	}
	var b bytes.Buffer
	to := githubactions.New(githubactions.WithWriter(&b)) // which panics where a write fails; this one does not
	for _, c := range list {
		to.IssueCommand(&c)
	}
	// An error of the log is dropped: there is nowhere to tell it.
	_, _ = j.out.Write(b.Bytes())
}

func (j *Job) stop() {
	token := j.means.token()
	j.issue(command{Name: "stop-commands", Message: token})
	j.token = token
}

func (j *Job) resume() {
	token := j.token
	j.token = ""
	j.issue(command{Name: token})
}

// page gathers lines that are written at once.
type page struct {
	job *Job
	b   strings.Builder
}

func (p *page) line(text string) { p.b.WriteString(p.job.line(text) + "\n") }

// labelled is a text behind a label, with its further lines indented.
func (p *page) labelled(label, text string) {
	for i, line := range split(text) {
		if i == 0 {
			p.line(label + ": " + line)
		} else {
			p.line("  " + line)
		}
	}
}

// group is a line that opens on a click and shows the lines in it.
func (p *page) group(title string, lines []string) {
	p.b.WriteString("##[group]" + p.job.line(title) + "\n")
	for _, line := range lines {
		p.line(line)
	}
	p.b.WriteString("##[endgroup]\n")
}

func (p *page) write() {
	if p.b.Len() > 0 {
		_, _ = io.WriteString(p.job.out, p.b.String())
	}
}

// line returns text from outside as one line that tells no secret and is no command. To
// defuse it can take a secret apart, or put one together.
func (j *Job) line(text string) string { return j.veiled(defused(j.veiled(plain.Line(text)))) }

// veiled has no secret.
func (j *Job) veiled(text string) string {
	for _, secret := range j.secrets {
		text = strings.ReplaceAll(text, secret, "***")
	}
	return text
}

// defused alters a line that the runner could take for a command, so that one sees it.
func defused(line string) string {
	line = plain.Log(line)
	if shown := strings.Map(visible, line); shown != line && plain.Log(shown) != shown {
		return plain.Log(shown)
	}
	return line
}

// visible drops what a comparison in a language's way passes over.
func visible(r rune) rune {
	if unicode.In(r, unicode.M, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point) {
		return -1
	}
	return r
}

// split returns the lines of texts, without empty ones at the end of each.
func split(texts ...string) []string {
	var lines []string
	for _, text := range texts {
		lines = append(lines, strings.Split(strings.TrimRight(text, " \t\r\n"), "\n")...)
	}
	return lines
}
