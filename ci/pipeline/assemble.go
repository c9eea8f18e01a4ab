package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"example.com/slipway/ci/base"
	"example.com/slipway/ci/base/builtin"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/image"
	"example.com/slipway/ci/layer"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/source"
	"example.com/slipway/ci/step"
)

// layerStore has the layers that this machine keeps.
func (p *Pipeline) layerStore() *layer.Store { return layer.NewStore(filepath.Join(p.Cache, "layers")) }

// assemble makes an index of every image, of layers in a store.
func (p *Pipeline) assemble(store *layer.Store, b *Built, found *base.Base, units []*unit) error {
	return step.Run(p.Reporter, "image", func(step.Step) (string, error) {
		parts := make([]image.Part, len(units))
		at := make([]int, len(units))
		for i := range at {
			at[i] = i
		}
		err := each(context.Background(), at, func(_ context.Context, i int) error {
			layers, err := p.layers(store, b, units[i])
			parts[i] = image.Part{Platform: units[i].platform, Base: found.Images[units[i].platform], Layers: layers}
			return err
		})
		if err != nil {
			return "", err
		}
		for i := range b.Plan.Images {
			made := Image{Plan: b.Plan.Images[i]}
			var own []image.Part
			for j, u := range units {
				if u.image == &b.Plan.Images[i] {
					own = append(own, parts[j])
					made.Binaries = append(made.Binaries, u.result.Binaries...)
				}
			}
			if made.Index, err = image.Assemble(made.Plan, own); err != nil {
				return "", err
			}
			b.Images = append(b.Images, made)
		}
		return p.sizes(b), nil
	})
}

// sizes says how large the images are. One over the budget is noted: a gate refuses
// it where something is published.
func (p *Pipeline) sizes(b *Built) string {
	var sizes []string
	for _, made := range b.Images {
		for _, i := range made.Index.Images {
			if i.Size > b.Plan.Run.Budget {
				p.Reporter.Note(fmt.Sprintf("the image %s for %s has %s, over the budget of %s: inspect shows what it is made of",
					made.Plan.Name, i.Platform, step.Size(i.Size), step.Size(b.Plan.Run.Budget)))
			}
			sizes = append(sizes, i.Platform.String()+" "+step.Size(i.Size))
		}
	}
	if len(b.Images) > 1 {
		return fmt.Sprintf("%d images", len(b.Images))
	}
	return strings.Join(sizes, ", ")
}

// layers are ours: certificates where they are asked for, then the user's files,
// then the programs, which change most often.
func (p *Pipeline) layers(store *layer.Store, b *Built, u *unit) ([]image.Layer, error) {
	var layers []image.Layer
	// What depends on nothing of the commit is the same layer before and after it: it is
	// neither compressed again nor pushed nor pulled.
	always := time.Unix(0, 0)
	add := func(files []layer.File, epoch time.Time, createdBy string) error {
		l, err := store.Layer(append(layer.Parents(files), files...), epoch, layer.Compression(cmp.Or(u.image.Compression, string(layer.Gzip))))
		layers = append(layers, image.Layer{Layer: l, CreatedBy: createdBy})
		return err
	}
	if u.image.Certs {
		files, err := builtin.Certificates()
		if err != nil {
			return nil, err
		}
		if err := add(files, always, "slipway: CA certificates and time zones"); err != nil {
			return nil, err
		}
	}
	if len(u.image.Files) > 0 {
		files, err := extra(b, u.image.Files)
		if err != nil {
			return nil, err
		}
		// A program may serve them by their time, which tells one release from the next.
		if err := add(files, u.image.Time(), "slipway: files of the source"); err != nil {
			return nil, err
		}
	}
	// Not in the return: the order there of a variable and a call that changes it is open.
	err := add(programs(u), always, "slipway: "+strings.Join(u.image.Packages(), " "))
	return layers, err
}

// extra are the user's files, as long as they still have the planned contents.
func extra(b *Built, list []plan.File) ([]layer.File, error) {
	var files []layer.File
	for _, f := range list {
		name := filepath.Join(b.Project.Root, filepath.FromSlash(f.Source))
		made := layer.File{Path: f.Path, Link: f.Link, Mode: 0o644, Source: name, SHA256: f.SHA256}
		switch {
		case f.Folder:
			made.Mode, made.Source = fs.ModeDir|0o755, ""
		case f.Link != "":
			made.Mode, made.Source = fs.ModeSymlink, ""
		default:
			if sum, err := source.HashFile(name, b.Project.Root); err != nil {
				return nil, err
			} else if sum != f.SHA256 {
				return nil, fault.New(fault.Source, "the file %s changed while the image was being built", f.Source).WithFix("build again")
			}
			if f.Executable {
				made.Mode = 0o755
			}
		}
		files = append(files, made)
	}
	return files, nil
}

// programs are the binaries of a unit. Capabilities go to the first main's.
func programs(u *unit) []layer.File {
	var files []layer.File
	for _, bin := range u.result.Binaries {
		f := layer.File{Path: bin.Main.Path(), Mode: fs.FileMode(0o755), Source: bin.File, SHA256: bin.SHA256}
		if bin.Main == u.image.Mains[0] && len(u.image.Capabilities) > 0 {
			f.Capability = layer.Capability(u.image.Capabilities)
		}
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b layer.File) int { return strings.Compare(a.Path, b.Path) })
	return files
}
