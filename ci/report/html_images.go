package report

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/step"
)

type imageView struct {
	Name, Digest string
	Platforms    []platformView
}

type platformView struct {
	Name, Digest, Size, Growth string
	Open                       bool
	// Budget is a sentence, and Used the part of it that is used, from 0 to 100.
	Budget string
	Used   float64
	Over   bool
	Stats  []fact
	Layers []layerRow
	Blocks []block
	// Programs are those that Go built.
	Programs []programView
}

type layerRow struct {
	Kind, Digest, Compressed, Unpacked, CreatedBy string
}

// block is a layer in a bar of all, in hundredths.
type block struct {
	Kind, Title string
	X, W        float64
}

type programView struct {
	Path, About, Empty string
	Wide, Narrow       *treemap
	Modules, Packages  []weightRow
	More               int
	// Grown says that growth since the last image is known.
	Grown bool
}

type weightRow struct{ Kind, Name, Size, Share, Growth string }

// maxPrograms bounds the drawings of one image.
const maxPrograms = 4

func imageViews(r *receipt.Receipt) []imageView {
	var list []imageView
	for _, img := range r.Images {
		if img.Digest == "" {
			continue // of a run that ended before it
		}
		v := imageView{Name: clean(img.Name), Digest: clean(img.Digest)}
		if img.Inspection != nil {
			for i, one := range img.Inspection.Images {
				p := platformOf(r, img, one)
				p.Open = i == 0
				v.Platforms = append(v.Platforms, p)
			}
		}
		list = append(list, v)
	}
	return list
}

func platformOf(r *receipt.Receipt, img receipt.Image, one inspect.Image) platformView {
	v := platformView{Name: clean(one.Platform.String()), Digest: clean(one.Digest), Size: step.Size(one.Compressed)}
	g, grown := growth(img, one)
	if grown {
		v.Growth = grew(g.Total) + " since " + since(img)
	}
	if budget := r.Run.Plan.Budget; budget > 0 {
		used := float64(one.Compressed) / float64(budget)
		v.Used, v.Over = math.Round(min(max(used, 0), 1)*1000)/10, used > 1
		v.Budget = fmt.Sprintf("%.0f %% of the budget of %s", 100*used, step.Size(budget))
	}
	add := func(name, value string) {
		if value = clean(value); value != "" {
			v.Stats = append(v.Stats, fact{name, value})
		}
	}
	add("Unpacked", step.Size(one.Unpacked))
	for _, p := range one.Programs {
		if p.Entrypoint && grown && g.Binary.Before > 0 {
			add("Program", step.Size(p.Size)+", "+grew(g.Binary))
		} else if p.Entrypoint {
			add("Program", step.Size(p.Size))
		}
	}
	add("Starts", strings.Join(append(append([]string{}, one.Config.Entrypoint...), one.Config.Args...), " "))
	add("User", cmp.Or(one.Config.User, "root, because none is set"))
	add("Ports", strings.Join(one.Config.Ports, ", "))
	add("Files", fmt.Sprint(one.Files.Entries))
	add("CA certificates", fmt.Sprint(one.Certificates.Valid))
	v.Layers, v.Blocks = layers(one)
	for _, p := range one.Programs {
		if p.Go != nil && len(v.Programs) < maxPrograms {
			var since *inspect.Growth
			if p.Entrypoint && grown && len(g.Modules) > 0 {
				since = &g
			}
			v.Programs = append(v.Programs, programOf(p, since))
		}
	}
	return v
}

func layers(one inspect.Image) (rows []layerRow, blocks []block) {
	total := 0.0
	for _, l := range one.Layers {
		total += float64(max(l.Compressed, 0))
	}
	at := 0.0
	for i, l := range one.Layers {
		kind := fmt.Sprintf("dep%d", i%6)
		if i == len(one.Layers)-1 {
			kind = "own"
		}
		digest := strings.TrimPrefix(clean(l.Digest), "sha256:")
		rows = append(rows, layerRow{kind, digest[:min(len(digest), 12)], step.Size(l.Compressed), step.Size(l.Unpacked), clean(l.CreatedBy)})
		if total > 0 {
			w := 100 * float64(max(l.Compressed, 0)) / total
			blocks = append(blocks, block{kind, fmt.Sprintf("%s: %s", cmp.Or(clean(l.CreatedBy), digest), step.Size(l.Compressed)), hundredth(at), hundredth(w)})
			at += w
		}
	}
	return rows, blocks
}

func hundredth(v float64) float64 { return math.Round(v*100) / 100 }

// Sizes of the drawings, in pixels: one for a window and one for a phone, because
// letters of a drawing that is scaled cannot be read.
const (
	wideW, wideH     = 1040, 460
	narrowW, narrowH = 340, 420
	// shownModules and shownPackages bound the tables under a drawing.
	shownModules, shownPackages = 12, 60
)

// programOf shows what a program is made of, and what of it grew since the last image
// where that is known.
func programOf(p inspect.Program, since *inspect.Growth) programView {
	g := p.Go
	modules, packages := func(string) string { return "" }, func(string) string { return "" }
	if since != nil {
		modules, packages = grownBy(since.Modules), grownBy(since.Packages)
	}
	v := programView{Path: clean(p.Path)}
	v.About = fmt.Sprintf("%s of machine code, built by %s", step.Size(g.Text), clean(g.Version))
	v.Grown = since != nil
	v.Wide, v.Narrow = draw(g, "at-large", wideW, wideH, 130), draw(g, "at-small", narrowW, narrowH, 90)
	if v.Wide == nil || v.Narrow == nil {
		v.Empty = "Its table of functions is in no form that is known, so that nothing is said of its modules."
		return v
	}
	mods := modulesOf(g)
	total := int64(0)
	for _, m := range mods {
		total += m.size
	}
	for _, m := range mods[:min(len(mods), shownModules)] {
		v.Modules = append(v.Modules, weightRow{m.kind, m.title(), step.Size(m.size), percent(m.size, total), modules(m.name)})
	}
	if rest := len(mods) - shownModules; rest > 0 {
		size := int64(0)
		for _, m := range mods[shownModules:] {
			size += m.size
		}
		v.Modules = append(v.Modules, weightRow{"other", plain.Count(rest, "more module"), step.Size(size), percent(size, total), ""})
	}
	for _, w := range g.Packages[:min(len(g.Packages), shownPackages)] {
		v.Packages = append(v.Packages, weightRow{"", clean(w.Name), step.Size(w.Size), percent(w.Size, total), packages(w.Name)})
	}
	v.More = len(g.Packages) - shownPackages
	return v
}
