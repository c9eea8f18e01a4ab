// Package reach reads what govulncheck prints, and says of findings how far the
// program goes towards the vulnerable code. It adds to findings and hides none.
package reach

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
)

// maxStream bounds what is read, in bytes.
const maxStream = 64 << 20

// Calls is how far one program goes, as govulncheck found.
type Calls struct {
	// names are the identifiers of a vulnerability by its own one, which is among them.
	names map[string][]string
	found map[key]reached
}

// key is a vulnerability in a module. The standard library's is called stdlib.
type key struct{ id, module string }

// reached is how far a program goes, and how it gets there.
type reached struct {
	reach finding.Reach
	trace []string
}

// message is one of govulncheck's, in version 1 of its protocol
// (golang.org/x/vuln/internal/govulncheck). Messages come in no fixed order, and several
// findings of one vulnerability with more detail each.
type message struct {
	Config *struct {
		Protocol string `json:"protocol_version"`
		Level    string `json:"scan_level"`
		Mode     string `json:"scan_mode"`
	} `json:"config"`
	OSV *struct {
		ID      string   `json:"id"`
		Aliases []string `json:"aliases"`
	} `json:"osv"`
	Finding *struct {
		OSV   string  `json:"osv"`
		Trace []frame `json:"trace"`
	} `json:"finding"`
}

// Parse reads what govulncheck -json prints. The error is a *fault.Error of kind
// Unjudged.
func Parse(stream []byte) (*Calls, error) {
	if len(stream) > maxStream {
		return nil, unread("it is larger than %d MB", maxStream>>20)
	}
	c := &Calls{names: map[string][]string{}, found: map[key]reached{}}
	introduced := false
	for dec := json.NewDecoder(bytes.NewReader(stream)); ; {
		var m message
		if err := dec.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, unread("it is not JSON to its end: %v", err)
		}
		switch {
		case m.Config != nil:
			if !strings.HasPrefix(m.Config.Protocol, "v1.") || m.Config.Level != "symbol" || m.Config.Mode != "source" {
				return nil, unread("it has protocol %q, level %q and mode %q", m.Config.Protocol, m.Config.Level, m.Config.Mode)
			}
			introduced = true
		case m.OSV != nil:
			c.names[m.OSV.ID] = append([]string{m.OSV.ID}, m.OSV.Aliases...)
		case m.Finding != nil:
			c.add(m.Finding.OSV, m.Finding.Trace)
		}
	}
	if !introduced {
		return nil, unread("it does not say how it was made")
	}
	return c, nil
}

func unread(format string, args ...any) error {
	return fault.New(fault.Unjudged, "reading what govulncheck printed: %s", fmt.Sprintf(format, args...)).
		WithFix("it comes from another version than the one that Slipway builds; empty Slipway's cache folder")
}

// add notes how far a finding goes. Its trace begins with the vulnerable function, or
// package, or module, whatever it is about.
func (c *Calls) add(id string, trace []frame) {
	if len(trace) == 0 {
		return
	}
	now := reached{reach: finding.Present}
	switch end := trace[0]; {
	case end.Function != "":
		now = reached{reach: finding.Called, trace: readable(trace)}
	case end.Package != "":
		now.reach = finding.Imported
	}
	at := key{id, trace[0].Module}
	c.found[at] = further(now, c.found[at])
}

var order = []finding.Reach{"", finding.Present, finding.Imported, finding.Called}

// further is what goes further, and of two that go as far the one with the shorter trace.
// Traces come in no fixed order, so that of two that are as long the text decides.
func further(a, b reached) reached {
	behind := cmp.Or(
		cmp.Compare(slices.Index(order, b.reach), slices.Index(order, a.reach)),
		cmp.Compare(len(a.trace), len(b.trace)),
		slices.Compare(a.trace, b.trace),
	)
	if behind > 0 {
		return b
	}
	return a
}

// Annotate says of each vulnerability of Go code on a platform how far the program goes.
// Where govulncheck has nothing to say, nothing is said: it does not know the
// vulnerability, thinks that the version does not have it, or cannot tell, as with a
// module that another one replaces.
func Annotate(list []finding.Finding, c *Calls, platform string) {
	for i := range list {
		f := &list[i]
		if f.Package == nil || f.Package.Kind != "gomod" && f.Package.Kind != "stdlib" || !slices.Contains(f.Platforms, platform) {
			continue
		}
		got := reached{f.Reach, f.Trace}
		for id, names := range c.names {
			if slices.ContainsFunc(names, func(n string) bool { return n == f.ID || slices.Contains(f.Aliases, n) }) {
				got = further(got, c.found[key{id, f.Package.Name}])
			}
		}
		f.Reach, f.Trace = got.reach, got.trace
	}
}
