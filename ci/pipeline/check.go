package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/image"
	"example.com/slipway/ci/output"
	"example.com/slipway/ci/policy"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/step"
)

// Checks says what judges an image.
type Checks struct {
	// Gates are the names of those that judge, as finding.Gates has them. None means
	// all but the one that builds again, which Twice asks for.
	Gates []string
	Twice bool
	// Rerun is how often tests that fail are run again.
	Rerun int
	// Describe reads the images also where no gate asks what is in them.
	Describe bool
	// Now is the clock. The default is the system's.
	Now func() time.Time
}

func (c Checks) clock() func() time.Time {
	if c.Now == nil {
		return time.Now
	}
	return c.Now
}

func (c Checks) wanted(name string) bool {
	if name == finding.GateReproducible {
		return c.Twice
	}
	return len(c.Gates) == 0 || slices.Contains(c.Gates, name)
}

// Checked is what a check leaves.
type Checked struct {
	// Built is nil where the plan was not even made.
	*Built
	// Receipt is always there.
	Receipt *receipt.Receipt
	// refused is why registries do not have all of what passed.
	refused error
}

// Check builds the images and lets the gates judge them. Images are made and their
// digests known before anything of the source runs. A gate that refuses is in the
// receipt and in Err; an error here says that the gates came to no verdict, and the
// receipt then says why.
func (p *Pipeline) Check(ctx context.Context, said Said, checks Checks) (*Checked, error) {
	return p.recorded(ctx, said, receipt.Request{Verb: "check"}, checks, func(own *Pipeline, done *Checked) error {
		return own.judged(ctx, done, said, checks)
	})
}

// judged builds what was begun and lets the gates judge it.
func (p *Pipeline) judged(ctx context.Context, done *Checked, said Said, checks Checks) error {
	b := done.Built
	// What cannot be read is said before anything is built.
	documents, err := policy.ReadVEX(b.Project.Root, b.Plan.Run.Policy.VEX)
	if err != nil {
		return err
	}
	if err := p.build(ctx, b); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "slipway-check-")
	if err != nil {
		return fmt.Errorf("making a folder for the check: %w", err)
	}
	defer os.RemoveAll(dir)
	checks.Now = checks.clock()
	describeRun(done.Receipt, b)
	c := &check{p: p, b: b, Checks: checks, said: said, documents: documents, dir: dir, gates: map[string]finding.Gate{}, receipt: done.Receipt}
	if err := c.run(ctx); err != nil {
		return err
	}
	c.conclude()
	if done.Receipt.Verdict == receipt.Passed {
		p.save(ctx, b)
	}
	return nil
}

// check is a check while it runs.
type check struct {
	Checks
	p    *Pipeline
	b    *Built
	said Said
	// documents say what does not concern the images.
	documents []policy.VEX
	// dir is a folder of its own.
	dir     string
	receipt *receipt.Receipt

	mu       sync.Mutex
	gates    map[string]finding.Gate
	findings []finding.Finding
}

// written puts the image of a unit where the engine finds it, as long as use runs: of many
// images few are on the disk once more.
func (c *check) written(u *unit, use func(layout string) error) error {
	img, err := c.b.imageOf(u)
	if err != nil {
		return err
	}
	dir := c.layout(u)
	defer os.RemoveAll(dir)
	if err := output.Image(dir, img.Image); err != nil {
		return err
	}
	return use(dir)
}

// layout is the folder of a unit's image.
func (c *check) layout(u *unit) string {
	return filepath.Join(c.dir, strings.NewReplacer("/", "-", " ", "-").Replace(u.name))
}

// run lets the gates judge. Tests run beside what looks at the images; what is started
// and what builds again come after them, when the machine is quiet.
func (c *check) run(ctx context.Context) error {
	group, both := errgroup.WithContext(ctx)
	group.Go(func() error { return c.tests(both) })
	group.Go(func() error {
		if err := c.inspect(both); err != nil {
			return err
		}
		return c.vulnerabilities(both)
	})
	if err := group.Wait(); err != nil {
		return err
	}
	if err := c.smoke(ctx); err != nil {
		return err
	}
	return c.again(ctx)
}

// judge runs one gate. An error that judges the image, or says that nobody can, is the
// gate's outcome; any other ends the check.
func (c *check) judge(name string, run func() (summary string, err error)) error {
	if !c.wanted(name) {
		why := "not asked for"
		if name == finding.GateReproducible {
			why = "--twice asks for it"
		}
		c.outcome(finding.Gate{Name: name, Outcome: finding.Skipped, Summary: why})
		return nil
	}
	summary, err := run()
	if err == nil {
		c.outcome(finding.Gate{Name: name, Outcome: finding.Passed, Summary: summary})
		return nil
	}
	told, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	g := finding.Gate{Name: name, Summary: told.What, Fix: told.Fix, Detail: told.Detail}
	switch told.Kind {
	case fault.Gate, fault.Tests:
		g.Outcome = finding.Failed
	case fault.Unjudged:
		g.Outcome = finding.Unjudged
	default:
		return err
	}
	c.outcome(g)
	return nil
}

func (c *check) outcome(g finding.Gate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gates[g.Name] = g
}

func (c *check) found(list ...finding.Finding) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.findings = append(c.findings, list...)
}

func (c *check) tests(ctx context.Context) error {
	return c.judge(finding.GateTests, func() (summary string, err error) {
		err = step.Run(c.p.Reporter, "test", func(s step.Step) (string, error) {
			asked := engine.Tests{Packages: c.b.Plan.Run.Tests, Tags: c.b.Plan.Image.Build.Tags, Race: true, Rerun: c.Rerun}
			tests, err := c.b.engine.Test(ctx, asked, s)
			if c.receipt.Tests = tests; tests != nil {
				summary = tests.Summary()
				tests.Sort()
				if tests.Exposed != "" {
					c.p.Reporter.Note(tests.Exposed)
				}
			}
			if err == nil {
				err = steady(tests, c.b.Plan.Run.Policy)
			}
			return summary, err
		})
		return summary, err
	})
}

// again builds once more with nothing that an earlier build left.
func (c *check) again(ctx context.Context) error {
	return c.judge(finding.GateReproducible, func() (string, error) {
		fresh := filepath.Join(c.dir, "again")
		if err := os.Mkdir(fresh, 0o755); err != nil {
			return "", err
		}
		again := *c.p
		again.Cache, again.Fresh, again.Reporter = fresh, fresh, step.Silent{}
		summary := "built twice, the same digest"
		return summary, step.Run(c.p.Reporter, "build again", func(step.Step) (string, error) {
			b, err := again.Build(ctx, c.said)
			if err != nil {
				return "", err
			}
			return "the same digest", c.same(b)
		})
	})
}

func (c *check) same(b *Built) error {
	for i, made := range c.b.Images {
		if i >= len(b.Images) || b.Images[i].Index.Digest != made.Index.Digest {
			return fault.New(fault.Gate, "the image %s has the digest %s, and another one when it is built again", made.Plan.Name, made.Index.Digest).
				WithFix("slipway plan shows what decides the bytes; look for a pre-build command or a source that changes by itself")
		}
	}
	return nil
}

// imageOf is the assembled image of a unit.
func (b *Built) imageOf(u *unit) (image.Image, error) {
	for i := range b.Images {
		for _, img := range b.Images[i].Index.Images {
			if b.Images[i].Plan.Name == u.image.Name && img.Platform == u.platform {
				return img, nil
			}
		}
	}
	return image.Image{}, fmt.Errorf("no image was assembled for %s", u.name)
}
