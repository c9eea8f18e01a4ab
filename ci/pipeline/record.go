package pipeline

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/source"
)

// recorded carries out a run that leaves a receipt whatever becomes of it. An error of
// run is one that ends it before its verdict.
func (p *Pipeline) recorded(ctx context.Context, said Said, asked receipt.Request, checks Checks, run func(*Pipeline, *Checked) error) (*Checked, error) {
	recorder := receipt.NewRecorder(p.Reporter, checks.clock())
	own := *p
	own.Reporter = recorder
	asked.Gates, asked.Twice, asked.Rerun = checks.Gates, checks.Twice, checks.Rerun
	done := &Checked{Receipt: &receipt.Receipt{
		Schema: receipt.Schema, Slipway: version(), Verdict: receipt.Stopped,
		Gates: []finding.Gate{}, Findings: []finding.Finding{}, Images: []receipt.Image{}, Run: receipt.Run{Request: asked, Host: runtime.GOOS + "/" + runtime.GOARCH},
	}}
	b, err := own.begin(ctx, said)
	done.Built = b
	if err == nil {
		// What was built is there already, and a session that does not end in order is killed.
		defer func() { _ = b.engine.Close() }()
		err = run(&own, done)
	}
	if b != nil {
		describeRun(done.Receipt, b)
	}
	if ended := cmp.Or(err, done.Err()); ended != nil {
		done.Receipt.Failure = failure(ended, recorder.Failing(ended))
	}
	if err != nil && done.Receipt.Verdict == receipt.Stopped && (fault.KindOf(err) == fault.Source || fault.KindOf(err) == fault.Tests) {
		done.Receipt.Verdict = receipt.Failed
	}
	recorder.Record(done.Receipt)
	return done, err
}

// failure is an error as receipts have it. The exit code is for the front end to say.
func failure(err error, at string) *receipt.Failure {
	f := &receipt.Failure{Kind: fault.KindOf(err).String(), Step: at, What: err.Error()}
	if told, ok := errors.AsType[*fault.Error](err); ok {
		f.What, f.Fix, f.Detail = told.What, told.Fix, told.Detail
	}
	return f
}

// describeRun writes down what is known of a run, however far it came.
func describeRun(r *receipt.Receipt, b *Built) {
	r.Policy, r.Origins = b.Plan.Run.Policy, map[string]string{}
	for name, from := range b.Plan.Origins {
		r.Origins[name] = string(from)
	}
	if len(r.Images) == 0 {
		r.Images = imagesOf(b)
	}
	r.Run.Plan, r.Run.Request.Settings = b.Plan.Run, b.Plan.Typed
	if b.engine != nil {
		r.Run.Engine, r.Run.EngineVersion = b.engine.Name(), b.engine.Version()
	}
	if t := b.Toolchain; t.Release != "" {
		r.Run.Toolchain = &receipt.Toolchain{Release: t.Release, From: t.From, Sum: t.Sum}
	}
	r.Source = sourceOf(b)
}

// imagesOf are the images of the plan, with the digests of those that were made.
func imagesOf(b *Built) []receipt.Image {
	list := []receipt.Image{}
	for _, img := range b.Plan.Images {
		one := receipt.Image{Name: img.Name, Plan: img}
		for _, made := range b.Images {
			if made.Plan.Name == img.Name {
				one.Digest, one.Plan = made.Index.Digest.String(), made.Plan
			}
		}
		if len(one.Plan.Sources) > 0 {
			one.PlanHash = map[string]string{}
			for _, t := range one.Plan.Platforms {
				one.PlanHash[t.String()] = one.Plan.Hash(t)
			}
		}
		list = append(list, one)
	}
	return list
}

func sourceOf(b *Built) *receipt.Source {
	s := &receipt.Source{
		Commit: b.Project.Git.Commit, Remote: config.WithoutUser(b.Project.Refs.Remote), Dirty: b.dirty, Generated: b.generated, Modules: moduleFiles(b),
	}
	if folder, err := filepath.Rel(b.Project.TreeRoot, b.Project.Root); err == nil {
		s.Folder = filepath.ToSlash(folder)
	}
	return s
}

// moduleFiles is the hash of the files that choose modules, or empty where one cannot be
// read: then the run has failed for that.
func moduleFiles(b *Built) string {
	var names []string
	add := func(file string) {
		if rel, err := filepath.Rel(b.Project.Root, file); err == nil {
			if _, err := os.Stat(file); err == nil {
				names = append(names, filepath.ToSlash(rel))
			}
		}
	}
	for _, dir := range b.Project.ModuleFolders {
		add(filepath.Join(dir, "go.mod"))
		add(filepath.Join(dir, "go.sum"))
	}
	if w := b.Project.Workspace; w != "" {
		add(w)
		add(w + ".sum")
	}
	sum, err := source.Hash(b.Project.Root, b.Project.TreeRoot, names)
	if err != nil {
		return ""
	}
	return sum
}
