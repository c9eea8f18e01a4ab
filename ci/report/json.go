package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/receipt"
)

// MaxReceipt bounds the receipts that Read takes, in bytes.
const MaxReceipt = 64 << 20

// Read reads a receipt that was saved as JSON. Fields that it does not know are those
// of a newer Slipway, and are left out.
func Read(text []byte) (*receipt.Receipt, error) {
	const fix = "slipway check writes one to .slipway/report/receipt.json"
	if len(text) > MaxReceipt {
		return nil, fault.New(fault.Usage, "the receipt is larger than %d MiB", MaxReceipt>>20).WithFix(fix)
	}
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, fault.New(fault.Usage, "this is no receipt: %v", err).WithFix(fix).WithCause(err)
	}
	if head.Schema != receipt.Schema {
		return nil, fault.New(fault.Usage, "this is no receipt in the form %s: its schema is %q", receipt.Schema, head.Schema).
			WithFix("show it with the Slipway that wrote it, or run slipway check again")
	}
	r := new(receipt.Receipt)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fault.New(fault.Usage, "reading the receipt: %v", err).WithFix(fix).WithCause(err)
	}
	if err := known(r); err != nil {
		return nil, fault.New(fault.Usage, "reading the receipt: %v", err).WithFix(fix)
	}
	return r, nil
}

// known refuses words that no receipt has: a report that shows an outcome which it
// does not know could be taken for one that passed.
func known(r *receipt.Receipt) error {
	if !slices.Contains([]receipt.Verdict{receipt.Passed, receipt.Failed, receipt.Unjudged, receipt.Unpublished, receipt.Stopped}, r.Verdict) {
		return fmt.Errorf("the verdict %q is none", r.Verdict)
	}
	for _, g := range r.Gates {
		if !slices.Contains([]finding.Outcome{finding.Passed, finding.Failed, finding.Unjudged, finding.Skipped}, g.Outcome) {
			return fmt.Errorf("the outcome %q of the gate %q is none", g.Outcome, g.Name)
		}
	}
	for _, f := range r.Findings {
		if !slices.Contains([]finding.Status{finding.Fails, finding.Noted, finding.Accepted, finding.NotAffected}, f.Status) {
			return fmt.Errorf("the status %q of the finding %q is none", f.Status, f.ID)
		}
	}
	for _, p := range r.Run.Publications {
		if err := knownPublication(p); err != nil {
			return fmt.Errorf("publishing to %q: %w", p.Repository, err)
		}
	}
	return nil
}

func knownPublication(p receipt.Publication) error {
	if !slices.Contains([]receipt.PublicationState{receipt.Planned, receipt.Published, receipt.Unchanged, receipt.Incomplete}, p.State) {
		return fmt.Errorf("the state %q is none", p.State)
	}
	for _, t := range p.Tags {
		if !slices.Contains([]receipt.TagOutcome{receipt.TagCreated, receipt.TagMoved, receipt.TagUnchanged, receipt.TagKept, receipt.TagOpen}, t.Outcome) {
			return fmt.Errorf("the outcome %q of the tag %q is none", t.Outcome, t.Name)
		}
	}
	for _, a := range p.Attestations {
		if !slices.Contains([]string{"attached", "present", "failed", "open"}, a.Outcome) {
			return fmt.Errorf("the outcome %q of the attestation %q is none", a.Outcome, a.Type)
		}
	}
	return nil
}

func writeJSON(w io.Writer, r *receipt.Receipt) error { return encode(w, r) }

// encode writes a value as JSON that a terminal can show: what does not print is
// escaped, so that nothing is lost.
func encode(w io.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(escape(b.Bytes()))
	return err
}

// escape writes what does not print as JSON's escapes. Such characters are in strings
// only: the rest of JSON is ASCII.
func escape(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		c, size := utf8.DecodeRune(text)
		switch {
		case c < 0x7f || c != 0x7f && unicode.IsPrint(c):
			out = append(out, text[:size]...)
		case c > 0xffff:
			high, low := utf16.EncodeRune(c)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, c)
		}
		text = text[size:]
	}
	return out
}
