package pipeline

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"example.com/slipway/ci/answer"
	"example.com/slipway/ci/step"
)

// remember keeps what a run made, if its inputs are still what they were.
func (p *Pipeline) remember(ctx context.Context, b *Built) {
	if b.inputs == nil || b.Builtin {
		return
	}
	if now, err := p.files(ctx, b); err != nil || now.Hash != b.inputs.files.Hash {
		return
	}
	made := answer.Record{Key: b.inputs.Key(), Made: time.Now().UTC().Truncate(time.Second), Dirty: b.dirty}
	for _, img := range b.Images {
		made.Images = append(made.Images, answer.Image{
			Name: img.Plan.Name, Digest: img.Index.Digest.String(), Base: img.Plan.Base, Platforms: img.Plan.Platforms,
			Sources: img.Plan.Sources, Dirty: img.Plan.Dirty, Programs: map[string][]string{},
		})
	}
	for _, u := range b.units {
		// What was not hashed could change unseen.
		for _, file := range u.sources.Files {
			if !b.inputs.files.Covers(filepath.Join(b.Project.Root, filepath.FromSlash(file))) {
				return
			}
		}
		made.Unset = append(made.Unset, u.sources.Unset...)
		programs := imageOf(made, u.image.Name).Programs
		for _, bin := range u.result.Binaries {
			programs[u.platform.String()] = append(programs[u.platform.String()], bin.SHA256)
		}
	}
	// A record that cannot be written is one that another run does without.
	_ = p.records().Keep(made, b.Project.Root)
	p.carry(ctx, b, made)
}

// carry brings the images to where caches are saved to, for machines that have none of
// them. Sources that differ from the commit are nobody else's.
func (p *Pipeline) carry(ctx context.Context, b *Built, made answer.Record) {
	to := b.Plan.Run.Caches.To
	if to == "" || len(made.Dirty) > 0 || p.foreign() != "" || ctx.Err() != nil {
		return
	}
	s := p.Reporter.Start("save images")
	sent, err := p.deposit(ctx, b, made)
	switch {
	case err != nil:
		s.Done("not saved")
		p.Reporter.Note(fmt.Sprintf("the images are not saved to %s: %v", to, err))
	case sent == 0:
		s.Cached("they are there")
	default:
		s.Done(step.Size(sent) + " new")
	}
}

// deposit writes them there, and returns how many bytes are new.
func (p *Pipeline) deposit(ctx context.Context, b *Built, made answer.Record) (sent int64, err error) {
	to, err := p.store(b, b.Plan.Run.Caches.To, true)
	if err != nil {
		return 0, err
	}
	keys, err := p.vouchers(b)
	if err != nil {
		return 0, err
	}
	var images []v1.ImageIndex
	for _, img := range b.Images {
		images = append(images, img.Index.ImageIndex)
	}
	return answer.Put(ctx, to, made, images, keys.by)
}
