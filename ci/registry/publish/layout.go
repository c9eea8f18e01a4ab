package publish

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/match"
	"github.com/rogpeppe/go-internal/lockedfile"

	"example.com/slipway/ci/registry"
)

// annotationTag is the tag of an image in a layout.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md
const annotationTag = "org.opencontainers.image.ref.name"

// lockName is the file in a layout that whoever writes to it locks. It is not part of
// the layout.
const lockName = ".lock"

// Layout brings an image into an OCI image layout, a folder, by the rules that Run has
// for a repository. What the layout has beside it stays. The publication's Repository is
// not asked, and Result names the folder in its place. Of several that do so at once
// each waits for the one before.
func Layout(dir string, p Publication) (Result, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Result{}, fmt.Errorf("making the image layout %s: %w", dir, err)
	}
	unlock, err := lockedfile.MutexAt(filepath.Join(dir, lockName)).Lock()
	if err != nil {
		return Result{}, fmt.Errorf("locking the image layout %s: %w", dir, err)
	}
	defer unlock()
	to, err := layout.FromPath(dir)
	if errors.Is(err, fs.ErrNotExist) {
		to, err = layout.Write(dir, empty.Index)
	}
	if err != nil {
		return Result{}, fmt.Errorf("opening the image layout %s: %w", dir, err)
	}
	w, err := read(p, "oci:"+dir)
	if err != nil {
		return Result{}, err
	}
	if err := w.intoLayout(to); err != nil {
		return w.result, fmt.Errorf("writing the image layout %s: %w", dir, err)
	}
	w.result.State = Unchanged
	if w.touched {
		w.result.State = Published
	}
	return w.result, nil
}

// PlanLayout finds out what Layout would do, and only reads. No folder is one that is not
// there yet.
func PlanLayout(dir string, p Publication) ([]Step, Result, error) {
	w, err := read(p, "oci:"+dir)
	if err != nil {
		return nil, Result{}, err
	}
	there, err := entriesOf(dir)
	if err != nil {
		return nil, w.result, fmt.Errorf("reading the image layout %s: %w", dir, err)
	}
	if err := w.lookIn(there); err != nil {
		return nil, w.result, err
	}
	steps := w.planPlace(there)
	w.result.State = Planned
	return steps, w.result, nil
}

// planPlace is the image unless it is there, what is said of it, and the tags.
func (p *publication) planPlace(there []v1.Descriptor) []Step {
	var steps []Step
	if !slices.ContainsFunc(there, func(d v1.Descriptor) bool { return d.Digest == p.index.Digest }) {
		size := p.index.Size
		for _, img := range p.images {
			size += img.manifest.Size
		}
		for _, blob := range p.blobs {
			size += blob.Size
		}
		steps = append(steps, p.step("push", p.result.Digest, size))
	}
	for i, a := range p.Attachments {
		if kept := a.keptIn(there); kept >= 0 {
			p.result.Attestations[i].Outcome, p.result.Attestations[i].Digest = present, there[kept].Digest.String()
			continue
		}
		steps = append(steps, p.step("attach", a.PredicateType+" to "+a.Subject, 0))
	}
	return slices.Concat(steps, p.planTags(false), p.planTags(true))
}

func entriesOf(dir string) ([]v1.Descriptor, error) {
	if dir == "" {
		return nil, nil
	}
	to, err := layout.FromPath(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return entries(to)
}

// keptIn is where a layout has what is attached, or negative.
func (a Attachment) keptIn(there []v1.Descriptor) int {
	return slices.IndexFunc(there, func(d v1.Descriptor) bool { return a.is(d) && d.Annotations[annotationSubject] == a.Subject })
}

// intoLayout adds what is said of the image before the tags, as in a registry.
func (p *publication) intoLayout(to layout.Path) error {
	there, err := entries(to)
	if err != nil {
		return err
	}
	if err := p.lookIn(there); err != nil {
		return err
	}
	for i, a := range p.Attachments {
		if err := p.attachIn(to, there, i, a); err != nil {
			return err
		}
	}
	for _, moving := range []bool{false, true} {
		for i := range p.result.Tags {
			r := &p.result.Tags[i]
			if r.Moving != moving || r.Outcome != TagOpen {
				continue
			}
			p.touched = true
			tag := layout.WithAnnotations(map[string]string{annotationTag: r.Name})
			if err := to.ReplaceIndex(p.Index, match.Name(r.Name), tag); err != nil {
				return err
			}
			if r.Outcome = TagMoved; r.Before == "" {
				r.Outcome = TagCreated
			}
		}
	}
	return nil
}

func entries(to layout.Path) ([]v1.Descriptor, error) {
	index, err := to.ImageIndex()
	if err != nil {
		return nil, err
	}
	m, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	return m.Manifests, nil
}

// lookIn reads what every tag points to.
func (p *publication) lookIn(there []v1.Descriptor) error {
	points := map[string]string{}
	var names []string
	for _, d := range there {
		if name := d.Annotations[annotationTag]; name != "" {
			points[name] = d.Digest.String()
			names = append(names, name)
		}
	}
	for i, tag := range p.Tags {
		if err := p.decide(i, tag, points[tag.Name], func() ([]string, error) { return names, nil }); err != nil {
			return err
		}
	}
	return nil
}

// attachIn writes one attachment, unless the layout has one in its place.
func (p *publication) attachIn(to layout.Path, there []v1.Descriptor, i int, a Attachment) error {
	r := &p.result.Attestations[i]
	if kept := a.keptIn(there); kept >= 0 {
		r.Outcome, r.Digest = present, there[kept].Digest.String()
		return nil
	}
	document, err := a.Document()
	if err != nil {
		return err
	}
	made, err := newArtifact(document, a.Signer, p.subjects[a.Subject], p.Created)
	if err != nil {
		return err
	}
	p.touched = true
	for _, blob := range append(made.blobs, inMemory(made.manifest.Descriptor, made.manifest.Content)) {
		if err := writeBlob(to, blob); err != nil {
			return err
		}
	}
	r.Outcome, r.Digest = attached, made.manifest.Digest.String()
	listed := made.listed
	listed.Annotations = maps.Clone(listed.Annotations)
	listed.Annotations[annotationSubject] = a.Subject
	return to.AppendDescriptor(listed)
}

// annotationSubject tells in a layout, which has no list of referrers, what an
// attestation is of.
const annotationSubject = "slipway.subject"

func writeBlob(to layout.Path, blob registry.Content) error {
	r, err := blob.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	return to.WriteBlob(blob.Digest, io.NopCloser(r))
}
