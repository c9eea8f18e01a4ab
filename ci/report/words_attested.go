package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/receipt"
)

// attested says in a line what is attached to an image and who signed it: 3 attached:
// SBOM (SPDX, CycloneDX), signature; signed by release.pub.
func attested(p receipt.Publication) string {
	all := p.Attestations
	if len(all) == 0 {
		return ""
	}
	by := map[string]int{}
	for _, a := range all {
		by[attachment(p, a)]++
	}
	var counts []string
	for _, outcome := range []string{"attached", "to attach", "present", "open", "failed"} {
		if n := by[outcome]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, outcome))
		}
	}
	if len(counts) > 0 {
		counts = []string{strings.Join(counts, ", ") + ": "}
	}
	return strings.Join(counts, "") + some(kinds(all)) + "; " + signers(all)
}

// attachment is what became of an attestation, or what would in a dry run.
func attachment(p receipt.Publication, a receipt.Attestation) string {
	if p.State == receipt.Planned && (a.Outcome == "attached" || a.Outcome == "open") {
		return "to attach"
	}
	return clean(a.Outcome)
}

// kind is a predicate type in words.
func kind(predicate string) string {
	switch predicate {
	case attest.SPDX:
		return "SBOM (SPDX)"
	case attest.CycloneDX:
		return "SBOM (CycloneDX)"
	case attest.Provenance:
		return "provenance"
	case attest.Signature:
		return "signature"
	case attest.Scan:
		return "scan"
	case attest.OpenVEX:
		return "VEX"
	}
	return cmp.Or(clean(predicate), "a statement of no type")
}

// kinds are the types of attestations in words, those of Slipway first.
func kinds(all []receipt.Attestation) []string {
	there := map[string]bool{}
	var own, others []string
	for _, a := range all {
		if there[a.Type] {
			continue
		}
		there[a.Type] = true
		if !slices.Contains(ownTypes(), a.Type) {
			others = append(others, kind(a.Type))
		}
	}
	for _, t := range ownTypes() {
		switch {
		case !there[t] || t == attest.CycloneDX && there[attest.SPDX]:
		case t == attest.SPDX && there[attest.CycloneDX]:
			own = append(own, "SBOM (SPDX, CycloneDX)")
		default:
			own = append(own, kind(t))
		}
	}
	return append(own, others...)
}

func ownTypes() []string {
	return []string{attest.SPDX, attest.CycloneDX, attest.Provenance, attest.Signature, attest.Scan, attest.OpenVEX}
}

// signers says by whom attestations are signed, and how many are not where some are.
func signers(all []receipt.Attestation) string {
	var names []string
	unsigned, known := 0, map[string]bool{}
	for _, a := range all {
		switch name := clean(a.Signed); {
		case name == "":
			unsigned++
		case !known[name]:
			known[name] = true
			names = append(names, name)
		}
	}
	switch {
	case len(names) == 0:
		return "unsigned"
	case unsigned > 0:
		return fmt.Sprintf("signed by %s, %d unsigned", some(names), unsigned)
	}
	return "signed by " + some(names)
}

// unattached says what could not be attached to what, and why.
func unattached(r *receipt.Receipt, p receipt.Publication) []string {
	var list []string
	of := subjects(r)
	for _, a := range p.Attestations {
		if a.Outcome == "failed" {
			list = append(list, kind(a.Type)+" of "+about(of, a)+headed(": ", clean(a.Why)))
		}
	}
	return list
}

// subjects are the names of digests: the index, or a platform.
func subjects(r *receipt.Receipt) map[string]string {
	of := map[string]string{}
	for _, img := range r.Images {
		if img.Inspection != nil {
			for _, one := range img.Inspection.Images {
				of[one.Digest] = clean(one.Platform.String())
			}
		}
		of[img.Digest] = "the index"
	}
	return of
}

// about is what an attestation speaks of.
func about(of map[string]string, a receipt.Attestation) string {
	return cmp.Or(of[a.Subject], short(a.Subject), "nothing")
}

// attestationRow are attestations of one kind that went the same way.
type attestationRow struct{ Kind, Of, Signed, Outcome, Why string }

// attestationRows put attestations of several platforms into one row, and rows of one
// kind below each other.
func attestationRows(r *receipt.Receipt, p receipt.Publication) (rows []attestationRow, more int) {
	of, at, order := subjects(r), map[attestationRow]int{}, map[string]int{}
	for _, a := range p.Attestations[:min(len(p.Attestations), maxAttestations)] {
		row := attestationRow{Kind: kind(a.Type), Signed: clean(a.Signed), Outcome: attachment(p, a), Why: clean(a.Why)}
		if _, known := order[row.Kind]; !known {
			order[row.Kind] = len(order)
		}
		i, known := at[row]
		if !known {
			at[row] = len(rows)
			row.Of = about(of, a)
			rows = append(rows, row)
			continue
		}
		rows[i].Of += ", " + about(of, a)
	}
	slices.SortStableFunc(rows, func(a, b attestationRow) int { return cmp.Compare(order[a.Kind], order[b.Kind]) })
	return rows, len(p.Attestations) - maxAttestations
}
