package actions

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// maxAnnotations is how many annotations of each level the runner keeps of a step.
const maxAnnotations = 10

// log is what a step prints, both streams together, read by the rules of the runner.
type log struct {
	mu   sync.Mutex
	mask *mask
	step *Step
	// root is the job's step that this one is part of: annotations count there.
	root      *Step
	workspace string
	names     []string
	token     string
	failed    bool
}

func newLog(m *mask, root, step *Step, workspace string) *log {
	return &log{mask: m, root: root, step: step, workspace: workspace, names: slices.Clone(registered)}
}

// line takes one line of output.
func (l *log) line(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := ParseCommand(text, l.names)
	switch {
	case !ok:
		l.print(text)
	case l.token != "":
		if strings.EqualFold(c.Name, l.token) {
			l.names, l.token = slices.Clone(registered), ""
		}
		l.print(text)
	default:
		l.obey(c, text)
	}
}

// obey does what an order says.
func (l *log) obey(c Command, text string) {
	switch c.Name {
	case stopCommand:
		l.stop(c.Data, text)
	case "add-mask":
		if strings.TrimSpace(c.Data) == "" {
			l.annotate(Annotation{Level: "warning", Message: "Can't add secret mask for empty string in ##[add-mask] command."})
			return
		}
		l.mask.add(c.Data)
	case "error", "warning", "notice":
		l.annotate(annotate(c))
	case "group":
		l.step.Groups = append(l.step.Groups, l.mask.hide(c.Data))
		l.print("##[group]" + c.Data)
	case "endgroup":
		l.print("##[endgroup]")
	case "debug", "echo":
	case "set-env", "add-path":
		l.violation("%s: an order that the runner no longer obeys", c.Name)
		l.fail("Unable to process command '%s' successfully.", text)
	case "set-output", "save-state":
		// The runner still obeys these two. Here they have no effect, so that nobody
		// comes to rely on them.
		l.violation("%s: an order that is deprecated", c.Name)
	default:
		l.violation("%s: an order that nothing here has use for", c.Name)
	}
}

// stop is for programs that print what they do not know. Whoever knows the token can
// start the reading of orders again, so the runner masks it.
func (l *log) stop(token, text string) {
	if token == "" || strings.EqualFold(token, "pause-logging") || known(l.names, token) {
		l.fail("Unable to process command '%s' successfully.", text)
		return
	}
	l.token, l.names = token, append(l.names, token)
	if len(token) > 6 {
		l.mask.add(token)
	}
	l.print(text)
}

// annotate keeps an annotation, or counts it when there are too many of its level.
func (l *log) annotate(a Annotation) {
	for _, text := range []*string{&a.Message, &a.Title, &a.File} {
		*text = l.mask.hide(*text)
	}
	l.print("##[" + a.Level + "]" + a.Message)
	if file, ok := strings.CutPrefix(a.File, l.workspace+"/"); ok {
		a.File = file
	}
	if !l.root.keep(a) {
		l.root.Dropped++
	}
}

// keep takes an annotation unless there are as many of its level as the runner keeps.
func (s *Step) keep(a Annotation) bool {
	count := 0
	for _, other := range s.Annotations {
		if other.Level == a.Level {
			count++
		}
	}
	if count >= maxAnnotations {
		return false
	}
	s.Annotations = append(s.Annotations, a)
	return true
}

// fail makes the step one that failed, whatever its program says.
func (l *log) fail(format string, args ...any) {
	l.failed = true
	l.annotate(Annotation{Level: "error", Message: fmt.Sprintf(format, args...)})
}

func (l *log) violation(format string, args ...any) {
	l.step.Violations = append(l.step.Violations, l.mask.hide(fmt.Sprintf(format, args...)))
}

func (l *log) print(text string) {
	l.step.Log = append(l.step.Log, strings.Split(l.mask.hide(text), "\n")...)
}

// stream cuts one stream of a program into lines as .NET does: a carriage return alone
// ends a line too.
type stream struct {
	log     *log
	half    []byte
	skipped bool
}

// maxLine bounds a line that has no end.
const maxLine = 1 << 20

// Write never fails: a program must not notice who reads it.
func (s *stream) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		if s.skipped && rest[0] == '\n' {
			rest = rest[1:]
		}
		s.skipped = false
		end := bytes.IndexAny(rest, "\r\n")
		if end < 0 {
			if s.half = append(s.half, rest...); len(s.half) > maxLine {
				s.flush()
			}
			break
		}
		s.half = append(s.half, rest[:end]...)
		s.skipped = rest[end] == '\r'
		s.log.line(string(s.half))
		s.half, rest = s.half[:0], rest[end+1:]
	}
	return len(p), nil
}

// flush takes a last line without an end.
func (s *stream) flush() {
	if len(s.half) > 0 {
		s.log.line(string(s.half))
		s.half = nil
	}
}
