package inspect

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"example.com/slipway/ci/step"
)

// width is the number of columns that no line is wider than, and top how many
// modules and packages are printed.
const (
	width = 98
	top   = 15
)

// Text prints a judgement for people. What an image says of itself is printed
// without the characters that a terminal obeys.
func (j *Judgement) Text(w io.Writer) error {
	p := &printer{}
	p.line("%s  %s", j.Image, j.Kind)
	if j.Digest != "" {
		p.line("%s", j.Digest)
	}
	for i := range j.Images {
		img := &j.Images[i]
		p.image(img)
		p.layers(img)
		p.total(img, j)
		for _, program := range img.Programs {
			p.program(program)
		}
	}
	p.findings(j.Findings, len(j.Images))
	_, err := io.WriteString(w, p.b.String())
	return err
}

func (p *printer) image(img *Image) {
	p.line("")
	p.line("%s  %s", show(img.Platform), cmp.Or(img.Digest, img.ID))
	c := img.Config
	var rows [][]string
	for _, row := range [][]string{
		{"user", who(img)}, {"entrypoint", words(c.Entrypoint)}, {"args", words(c.Args)}, {"workdir", c.Workdir},
		{"ports", strings.Join(c.Ports, ", ")}, {"env", strings.Join(c.Env, ", ")},
		{"CA bundle", img.Certificates.text()}, {"time zones", cmp.Or(strings.Join(img.Zones.Loaded, ", "), "none")},
	} {
		if row[1] != "" {
			rows = append(rows, row)
		}
	}
	var labels []string
	for _, key := range slices.Sorted(maps.Keys(c.Labels)) {
		labels = append(labels, key+"="+c.Labels[key])
	}
	p.table(append(rows, titled("labels", labels)...))
}

// who is the user with the number behind a name.
func who(img *Image) string {
	said, u := img.Config.User, img.User
	switch {
	case said == "":
		return "root, because none is set"
	case u.Known && !u.Numeric:
		return fmt.Sprintf("%s, number %d", said, u.UID)
	}
	return said
}

func (c Certificates) text() string {
	switch {
	case c.Path == "":
		return "none"
	case c.Expired+c.Broken > 0:
		return fmt.Sprintf("%s, %d certificates, %d expired and %d broken", c.Path, c.Valid+c.Expired+c.Broken, c.Expired, c.Broken)
	}
	return fmt.Sprintf("%s, %d certificates", c.Path, c.Valid)
}

func (p *printer) layers(img *Image) {
	p.line("")
	rows := [][]string{{"LAYER", "TYPE", "COMPRESSED", "UNPACKED", "CREATED BY"}}
	for _, l := range img.Layers {
		rows = append(rows, []string{
			strings.TrimPrefix(l.Digest, "sha256:")[:12], mediaName(l.MediaType), "  " + size(l.Compressed), size(l.Unpacked), l.CreatedBy,
		})
	}
	rows = append(rows, []string{"total", "", "  " + size(img.Compressed), size(img.Unpacked), fmt.Sprintf("%d files", img.Files.Entries)})
	p.table(rows)
}

// size is right-aligned in the widest that step.Size gives.
func size(n int64) string { return fmt.Sprintf("%8s", step.Size(n)) }

// mediaName is the part of a layer's type that differs: oci tar+gzip, docker tar.gzip.
func mediaName(media string) string {
	family, form := "oci", media[strings.LastIndex(media, ".layer.v1.")+1:]
	if strings.HasPrefix(media, "application/vnd.docker.") {
		family, form = "docker", media
	}
	if at := strings.Index(form, "tar"); at >= 0 {
		form = form[at:]
	}
	return family + " " + form
}

func (p *printer) total(img *Image, j *Judgement) {
	if img.Inflated {
		p.line("  its layers lie in the archive uncompressed: a registry would keep less")
	} else if j.Budget > 0 {
		p.line("  %s is %d %% of the budget of %s", step.Size(img.Compressed), 100*img.Compressed/j.Budget, step.Size(j.Budget))
	}
	for _, g := range j.Growth {
		switch {
		case g.Platform != img.Platform:
		case g.Total.Before == 0:
			p.line("  %s has no such platform", j.Against)
		default:
			p.line("  against %s: %s in total, %s in the program", j.Against, growth(g.Total), growth(g.Binary))
		}
	}
}

func growth(c Change) string {
	if c.By() == 0 {
		return "the same"
	}
	return fmt.Sprintf("%s%s", map[bool]string{true: "+"}[c.By() > 0], step.Size(c.By()))
}

func (p *printer) program(prog Program) {
	p.line("")
	about := []string{step.Size(prog.Size)}
	if prog.Unread != "" {
		p.line("  %s  %s, %s", prog.Path, about[0], prog.Unread)
		return
	}
	about = append(about, prog.Arch, either(prog.Static, "static", "dynamic"), either(prog.Stripped, "stripped", "not stripped"))
	if prog.Go == nil {
		p.line("  %s  %s", prog.Path, strings.Join(append(about, "not built by Go"), ", "))
		return
	}
	g := prog.Go
	p.line("  %s  %s", prog.Path, strings.Join(append(about, g.Version), ", "))
	var rows [][]string
	if g.Module.Path != "" {
		rows = append(rows, []string{"module", strings.TrimSpace(g.Module.Path + " " + g.Module.Version)})
	}
	if g.Package != "" && g.Package != g.Module.Path {
		rows = append(rows, []string{"package", g.Package})
	}
	var build []string
	for _, key := range slices.Sorted(maps.Keys(g.Settings)) {
		build = append(build, key+"="+g.Settings[key])
	}
	p.table(append(rows, titled("build", fold(build, width-12))...))
	p.weights(g)
}

func share(part, whole int64) string {
	return fmt.Sprintf("%5.1f %%", 100*float64(part)/float64(whole))
}

func either(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

// weights prints what the machine code belongs to.
func (p *printer) weights(g *Go) {
	if len(g.Packages) == 0 || g.Text == 0 {
		p.line("  its table of functions is in no form that is known, so that nothing is said of its modules")
		return
	}
	p.line("  %s of machine code, %s of it in these modules and packages", step.Size(g.Text), strings.TrimSpace(share(g.Covered, g.Text)))
	for _, list := range []struct {
		title string
		all   []Weight
	}{{"MODULE", g.Modules}, {"PACKAGE", g.Packages}} {
		rows := [][]string{{"    CODE", "  SHARE", list.title}}
		for _, w := range list.all[:min(top, len(list.all))] {
			rows = append(rows, []string{size(w.Size), share(w.Size, g.Text), strings.TrimSpace(w.Name + " " + w.Version)})
		}
		if more := len(list.all) - top; more > 0 {
			rows = append(rows, []string{"", "", fmt.Sprintf("and %d more", more)})
		}
		p.table(rows)
	}
}

// findings prints each finding once, with the platforms that have it.
func (p *printer) findings(all []Finding, images int) {
	p.line("")
	if len(all) == 0 {
		p.line("no findings")
		return
	}
	type key struct{ id, what string }
	platforms := map[key][]string{}
	for _, f := range all {
		k := key{f.ID, f.What}
		platforms[k] = append(platforms[k], show(f.Platform))
	}
	for _, f := range all {
		k := key{f.ID, f.What}
		on := platforms[k]
		if on == nil {
			continue
		}
		delete(platforms, k)
		where := ""
		if len(on) < images {
			where = " (" + strings.Join(on, ", ") + ")"
		}
		p.wrap(fmt.Sprintf("%-7s ", f.Severity), f.ID+": "+f.What+where)
		p.wrap("        ", f.Fix)
	}
}
