package verify

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/config"
	"example.com/slipway/ci/plain"
)

// scan says which scans and VEX documents there are, and of when. What they say was
// judged when the image was published, and changes with the day.
func (v *verification) scan() {
	r := v.report
	if v.said.nobody {
		r.skipped(CheckScan, "nobody said whose word counts")
		return
	}
	var wrong, said []string
	var last time.Time
	scans, documents := 0, 0
	for _, s := range v.said.believed {
		switch s.PredicateType {
		case attest.Scan:
			if t := scanned(s.Predicate); t.After(last) {
				last = t
			}
		case attest.OpenVEX:
			documents++
		}
	}
	for _, one := range v.chain.images {
		if len(v.said.of(attest.Scan, one.digest.String()))+len(v.said.of(attest.Scan, r.Digest)) == 0 {
			wrong = append(wrong, fmt.Sprintf("there is no scan for %s", one.platform))
			continue
		}
		scans++
	}
	if scans > 0 {
		said = append(said, fmt.Sprintf("scans for %s", plain.Count(scans, "image")))
		if !last.IsZero() {
			said[0] += ", the last of " + last.UTC().Format(time.DateOnly)
		}
	}
	if documents > 0 {
		said = append(said, plain.Count(documents, "VEX document"))
	}
	switch {
	case len(wrong) > 0 && v.Trust.Requires(config.RequireScan):
		r.failed(CheckScan, "publish it again: publish attaches what its scanner found", append(wrong, v.said.why())...)
	case len(said) == 0:
		r.skipped(CheckScan, "nobody asks for a scan, and there is none")
	default:
		r.passed(CheckScan, "%s%s", strings.Join(said, "; "), v.doubt())
	}
}

// scanned is when a scan ended, or the zero time.
func scanned(predicate []byte) time.Time {
	var p struct {
		Metadata struct {
			Finished time.Time `json:"scanFinishedOn"`
		} `json:"metadata"`
	}
	if json.Unmarshal(predicate, &p) != nil {
		return time.Time{}
	}
	return p.Metadata.Finished
}
