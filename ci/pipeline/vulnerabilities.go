package pipeline

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/reach"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/scan"
	"example.com/slipway/ci/step"
)

// Bounds of one run of the scanner.
const (
	scanLimit = 256 << 20
	scanWait  = 10 * time.Minute
)

// vulnerabilities scans the image of every platform by itself: a scanner that is given
// an index looks at the first one only.
func (c *check) vulnerabilities(ctx context.Context) error {
	return c.judge(finding.GateVulnerabilities, func() (string, error) {
		db, err := c.database(ctx)
		if err != nil {
			return "", err
		}
		var mu sync.Mutex
		var list []finding.Finding
		err = each(ctx, c.b.units, func(ctx context.Context, u *unit) error {
			found, err := c.scan(ctx, u, db)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			list = append(list, found...)
			return nil
		})
		if err != nil {
			return "", err
		}
		if err := c.reach(ctx, list); err != nil {
			return "", err
		}
		for i := range list {
			list[i].Fix = scan.Fix(list[i], c.b.Plan.Image)
		}
		c.found(list...)
		return fmt.Sprintf("%s, database of %s", step.Count(len(c.b.units), "image"), db.Updated.UTC().Format("2006-01-02 15:04 MST")), nil
	})
}

// database readies the scanner's database before anything is scanned.
func (c *check) database(ctx context.Context) (*scan.Database, error) {
	run := c.b.Plan.Run
	s := c.p.Reporter.Start("vulnerability database")
	db, err := scan.Fetch(ctx, scan.Request{
		Repositories: run.Scan.Databases, Mirrors: run.Mirrors, Cache: filepath.Join(c.p.Cache, "trivy-db"),
		Age: time.Duration(run.Scan.DatabaseAge) * time.Hour, Wait: c.p.Wait, Now: c.Now,
	})
	if err != nil {
		s.Fail(err)
		return nil, err
	}
	end(s, db.Cached, db.Repository)
	if db.Note != "" {
		c.p.Reporter.Note(db.Note)
	}
	c.receipt.Scanner = &receipt.Scanner{Name: "trivy", Database: db.Repository, Digest: db.Digest, Updated: db.Updated}
	return db, nil
}

// scan lets the scanner look at one image and reads its report.
func (c *check) scan(ctx context.Context, u *unit, db *scan.Database) (list []finding.Finding, err error) {
	err = step.Run(c.p.Reporter, "scan "+u.name, func(s step.Step) (string, error) {
		var said engine.Scanned
		err := c.written(u, func(layout string) (err error) {
			said, err = c.b.engine.Scan(ctx, engine.Scan{
				Scanner: c.b.Plan.Run.Scan.Scanner, Layout: layout, Cache: db.Folder, Args: scan.Args(scanWait), Limit: scanLimit, Wait: scanWait,
			}, s)
			return err
		})
		if err != nil {
			return "", err
		}
		want := scan.Expect{Image: u.image.Name, Platform: u.platform.String(), MainModule: u.image.Module, Release: u.image.Toolchain}
		for _, bin := range u.result.Binaries {
			want.Programs = append(want.Programs, bin.Main.Path())
		}
		if list, err = scan.Parse(said, want); err != nil {
			return "", err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.receipt.Scanner.Version = said.Version
		return step.Count(len(list), "finding"), nil
	})
	return list, err
}

// reach finds out which vulnerable Go code is called. Where nobody knows, a finding
// counts as if it were.
func (c *check) reach(ctx context.Context, list []finding.Finding) error {
	inGo := func(f finding.Finding) bool {
		return f.Package != nil && (f.Package.Kind == scan.GoModule || f.Package.Kind == scan.StandardLibrary)
	}
	if !slices.ContainsFunc(list, inGo) {
		c.receipt.Scanner.Reach = "nothing to find out"
		return nil
	}
	database := c.b.Plan.Run.Scan.VulnDB
	err := step.Run(c.p.Reporter, "reachability", func(s step.Step) (string, error) {
		for _, u := range c.b.units {
			text, err := c.b.engine.Reach(ctx, engine.Reach{Target: u.target(), Sources: u.sources, Database: database}, s)
			if err != nil {
				return "", err
			}
			calls, err := reach.Parse(text)
			if err != nil {
				return "", err
			}
			for i := range list {
				if list[i].Image == u.image.Name {
					reach.Annotate(list[i:i+1], calls, u.platform.String())
				}
			}
		}
		return "", nil
	})
	c.receipt.Scanner.Reach = database
	if told, ok := errors.AsType[*fault.Error](err); ok && told.Kind == fault.Unjudged {
		c.p.Reporter.Note("nobody knows which vulnerable code is called: " + told.What)
		c.receipt.Scanner.Reach = told.What
		return nil
	}
	return err
}
