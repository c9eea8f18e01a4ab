package report

import (
	"slices"

	"example.com/slipway/ci/receipt"
)

// publishedView is the section on publications.
type publishedView struct {
	Title, Note string
	Rows        []publicationView
	More        int
}

type publicationView struct {
	State, Repository, Image, Reference string
	// Fault is why it is incomplete, or empty.
	Fault, Fix, Again string
	Groups            []tagGroup
	MoreTags          int
	Attestations      []attestationRow
	MoreAttestations  int
	// Signers says that several signed, so that each row tells its own. Otherwise Stats
	// has the one, and Partly says that some rows are unsigned.
	Signers, Partly bool
	Stats           []fact
}

// newPublished is nil where there is nothing to tell of publishing.
func newPublished(r *receipt.Receipt) *publishedView {
	all := publications(r)
	if len(all) == 0 && r.Verdict != receipt.Unpublished {
		return nil
	}
	v := &publishedView{Title: publishedTitle(r), More: len(all) - maxPublications}
	if isPlanned(r) {
		v.Note = dryRun
	}
	for _, p := range all[:min(len(all), maxPublications)] {
		v.Rows = append(v.Rows, publicationOf(r, p))
	}
	return v
}

func publicationOf(r *receipt.Receipt, p receipt.Publication) publicationView {
	v := publicationView{State: clean(string(p.State)), Repository: clean(p.Repository), Reference: reference(p), Fault: unfinished(p)}
	if v.Fault != "" {
		v.Fix, v.Again = clean(p.Fix), again
	}
	if len(r.Images) > 1 {
		v.Image = clean(p.Image)
	}
	v.Groups, v.MoreTags = tagGroups(p)
	v.Attestations, v.MoreAttestations = attestationRows(r, p)
	referrers := map[string]string{"tag": "kept " + tagReferrers}[p.Referrers]
	for _, f := range []fact{{"Signed by", v.signer()}, {"Referrers", referrers}, {"Blobs", sent(p)}} {
		if f.Value != "" {
			v.Stats = append(v.Stats, f)
		}
	}
	return v
}

// signer is who signed all that is signed, or nobody. It is empty where several did.
func (v *publicationView) signer() string {
	var names []string
	for _, row := range v.Attestations {
		if row.Signed != "" && !slices.Contains(names, row.Signed) && len(names) < 2 {
			names = append(names, row.Signed)
		}
		v.Partly = v.Partly || row.Signed == ""
	}
	v.Signers = len(names) > 1
	v.Partly = v.Partly && len(names) > 0
	switch {
	case len(v.Attestations) == 0 || v.Signers:
		return ""
	case len(names) == 0:
		return "nobody"
	}
	return names[0]
}
