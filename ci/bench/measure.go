package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// record makes one interleaved run, in each round of which every tool takes its turn, and
// keeps the figures after each round.
func (b *bench) record(ctx context.Context, sc scenario, s *service, results string) error {
	r, err := b.begin(ctx, sc, s)
	if err != nil {
		return err
	}
	if len(sc.variants) == 0 {
		if r.Sizes, err = b.sizes(ctx, s); err != nil {
			return err
		}
		return keep(results, r)
	}
	if b.more {
		if err := r.resume(results); err != nil {
			return err
		}
	}
	done := r.rounds()
	if done >= b.runs {
		return nil
	}
	for range sc.warmups {
		if err := b.round(ctx, sc, s, r, done, false); err != nil {
			return err
		}
	}
	for n := done; n < b.runs; n++ {
		if err := b.round(ctx, sc, s, r, n, true); err != nil {
			return err
		}
		if err := keep(results, r); err != nil {
			return err
		}
	}
	return nil
}

// round lets every tool take its turn; its number says who begins.
func (b *bench) round(ctx context.Context, sc scenario, s *service, r record, number int, counts bool) error {
	for turn := range b.tools {
		t := b.tools[(number+turn)%len(b.tools)]
		for i, v := range sc.variants {
			if err := b.turn(ctx, t, s, v, &r.Rows[i], counts); err != nil {
				return err
			}
		}
	}
	return nil
}

// begin is a record with the conditions and without a sample.
func (b *bench) begin(ctx context.Context, sc scenario, s *service) (record, error) {
	r := record{Scenario: sc.name, Service: s.name, Measured: time.Now().UTC().Format(time.DateOnly), Command: b.command}
	var err error
	if r.Machine, err = b.machine(ctx, "go"+b.release()); err != nil {
		return r, err
	}
	if r.Commit, err = b.measured(ctx); err != nil {
		return r, err
	}
	for _, t := range b.tools {
		r.Tools = append(r.Tools, column{t.name(), t.version()})
	}
	for _, v := range sc.variants {
		w := row{Name: v.name, Cells: map[string]cell{}}
		for _, t := range b.tools {
			w.Cells[t.name()] = cell{Empty: cannot(t.name(), s, v)}
		}
		r.Rows = append(r.Rows, w)
	}
	return r, nil
}

// measured is the commit that the measured Slipway is of, and whether the tree is another.
// Pages and tests are not part of it.
func (b *bench) measured(ctx context.Context) (string, error) {
	parts := []string{"--", "ci", "cmd", "internal", "go.mod", "go.sum", "tools", ":!*_test.go", ":!*/testdata/*"}
	commit, err := b.output(ctx, b.root, nil, "git", slices.Concat([]string{"log", "-1", "--format=%h", "--abbrev=12"}, parts)...)
	if err != nil {
		return "", err
	}
	changed, err := b.output(ctx, b.root, nil, "git", slices.Concat([]string{"status", "--porcelain"}, parts)...)
	if changed != "" {
		commit += "-dirty"
	}
	return commit, err
}

// turn is one run of a tool. A tool that fails has an empty cell from then on, with what
// it said; only what is wrong with this program ends the measurement.
func (b *bench) turn(ctx context.Context, t tool, s *service, v variant, w *row, counts bool) error {
	c := w.Cells[t.name()]
	if c.Empty != "" || len(c.Samples) >= max(b.slowRuns, 1) && c.median() > b.slow.Seconds() {
		return nil
	}
	took, err := b.once(ctx, t, s, v)
	var failed *failure
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &failed):
		b.say("%s %s, %s: %v", s.name, t.name(), v.name, err)
		c = cell{Empty: "failed: " + failed.last()}
	case err != nil:
		return err
	case counts:
		c.Samples = append(c.Samples, took)
	}
	if err == nil {
		b.say("%s %s, %s: %.2fs%s", s.name, t.name(), v.name, took.Wall, map[bool]string{false: ", a warm-up"}[counts])
	}
	w.Cells[t.name()] = c
	if err == nil && v.clear && !v.restore {
		return b.save(ctx, t, s)
	}
	return nil
}

// save lets a tool keep what fresh runners take along, once for each service.
func (b *bench) save(ctx context.Context, t tool, s *service) error {
	key := t.name() + " " + s.name
	if b.saved[key] {
		return nil
	}
	b.saved[key] = true
	j, err := b.job(s, variant{})
	if err != nil {
		return err
	}
	b.say("%s %s, saving caches", s.name, t.name())
	err = t.save(ctx, j)
	var failed *failure
	if errors.As(err, &failed) {
		b.say("%v", err) // those who restore will say so
		return nil
	}
	return err
}

// job is a run of a variant into an empty folder.
func (b *bench) job(s *service, v variant) (job, error) {
	j := job{service: s, src: s.dir, platforms: v.platforms(), out: filepath.Join(b.temp, "out"), push: v.push, restore: v.restore, save: v.clone}
	return j, errors.Join(forget(j.out), os.Mkdir(j.out, 0o755))
}

// once is one run: what comes before it is not measured.
func (b *bench) once(ctx context.Context, t tool, s *service, v variant) (sample, error) {
	if v.restore && !b.saved[t.name()+" "+s.name] {
		if err := b.fill(ctx, t, s); err != nil {
			return sample{}, err
		}
	}
	if err := s.change(v.change); err != nil {
		return sample{}, err
	}
	if v.commit {
		if err := b.commit(ctx, s.dir); err != nil {
			return sample{}, err
		}
	}
	if v.clear {
		if err := t.clear(ctx); err != nil {
			return sample{}, err
		}
	}
	if v.empty {
		b.net.pushed.empty()
	}
	j, err := b.job(s, v)
	if err != nil {
		return sample{}, err
	}
	var first [][]command
	if v.clone {
		if first, err = b.clone(ctx, t, v, &j); err != nil {
			return sample{}, err
		}
	}
	asked := b.net.pushed.asked.Load()
	took, err := b.steps(ctx, j.src, slices.Concat(first, t.build(j)))
	took.Asked = b.net.pushed.asked.Load() - asked
	return took, err
}

// fill is a first build of a service, after which caches are saved.
func (b *bench) fill(ctx context.Context, t tool, s *service) error {
	if err := errors.Join(s.change(saved), t.clear(ctx)); err != nil {
		return err
	}
	j, err := b.job(s, variant{})
	if err != nil {
		return err
	}
	b.say("%s %s, building from nothing", s.name, t.name())
	if err := b.do(ctx, j.src, t.build(j)); err != nil {
		return err
	}
	return b.save(ctx, t, s)
}

// clone are the steps of a job before its build; the job then builds what they cloned.
func (b *bench) clone(ctx context.Context, t tool, v variant, j *job) ([][]command, error) {
	dir := filepath.Join(b.temp, "job")
	if err := errors.Join(forget(dir), os.Mkdir(dir, 0o755)); err != nil {
		return nil, err
	}
	j.src = filepath.Join(dir, j.service.name)
	steps := [][]command{alone(command{args: []string{"git", "clone", "--quiet", "--no-local", "--depth=1", "file://" + j.service.dir, j.src}})}
	ours, ok := t.(*slipway)
	if !ok {
		return steps, nil
	}
	first, program, err := ours.first(ctx, dir, v.compile)
	j.program = program
	return slices.Concat(steps, first), err
}
