package output

import (
	ocilayout "github.com/google/go-containerregistry/pkg/v1/layout"

	"example.com/slipway/ci/plan"
)

// Sizes returns the size of each platform's image in a layout, as image.Image counts
// it. A folder that holds no image of ours gives none.
func Sizes(dir string) map[plan.Platform]int64 {
	p, err := ocilayout.FromPath(dir)
	if err != nil {
		return nil
	}
	sizes := map[plan.Platform]int64{}
	top, err := p.ImageIndex()
	if err != nil {
		return nil
	}
	m, err := top.IndexManifest()
	if err != nil || len(m.Manifests) != 1 {
		return nil
	}
	idx, err := top.ImageIndex(m.Manifests[0].Digest)
	if err != nil {
		return nil
	}
	if m, err = idx.IndexManifest(); err != nil {
		return nil
	}
	for _, d := range m.Manifests {
		img, err := idx.Image(d.Digest)
		if err != nil || d.Platform == nil {
			continue
		}
		if child, err := img.Manifest(); err == nil {
			size := child.Config.Size
			for _, l := range child.Layers {
				size += l.Size
			}
			sizes[plan.Platform{OS: d.Platform.OS, Arch: d.Platform.Architecture, Variant: d.Platform.Variant}.Normal()] = size
		}
	}
	return sizes
}
