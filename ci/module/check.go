package main

import (
	"context"
	"path/filepath"
	"strings"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/module/internal/dagger"
	"example.com/slipway/ci/pipeline"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/report"
)

// The vulnerability database moves, so what judges runs each time that it is called.

// Check the images: tests, content, leaks, vulnerabilities and a trial run. Prints the report, and fails where a gate refuses.
//
// +check
// +cache="never"
func (m *Slipway) Check(
	ctx context.Context,
	// Source to check. The default is that of the module.
	//
	// +optional
	// +ignore=[".slipway"]
	src *dagger.Directory,
	// How often tests that fail are run again. Those that then pass are flaky.
	//
	// +optional
	rerunFailed int,
) (string, error) {
	return m.judged(ctx, src, pipeline.Checks{Rerun: rerunFailed})
}

// Scan the images for vulnerabilities. Prints the findings, and fails where one is against the policy.
//
// +cache="never"
func (m *Slipway) Scan(
	ctx context.Context,
	// Source to scan. The default is that of the module.
	//
	// +optional
	// +ignore=[".slipway"]
	src *dagger.Directory,
) (string, error) {
	return m.judged(ctx, src, pipeline.Checks{Gates: []string{finding.GateVulnerabilities}})
}

// Report of a check in all forms: receipt.json, report.html, results.sarif, junit.xml and summary.md, also where a gate refuses.
//
//	dagger call report --src . export --path report
//
// +cache="never"
func (m *Slipway) Report(
	ctx context.Context,
	// Source to check. The default is that of the module.
	//
	// +optional
	// +ignore=[".slipway"]
	src *dagger.Directory,
	// How often tests that fail are run again. Those that then pass are flaky.
	//
	// +optional
	rerunFailed int,
) (*dagger.Directory, error) {
	r, done, err := m.check(ctx, src, pipeline.Checks{Rerun: rerunFailed})
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(outputDir, "report")
	if err := report.All(filepath.Join(r.WorkDir, folder), done.Receipt); err != nil {
		return nil, err
	}
	return dag.CurrentModule().Workdir(folder), nil
}

// judged is the report as text. A refusal is an error that has the report in it.
func (m *Slipway) judged(ctx context.Context, src *dagger.Directory, checks pipeline.Checks) (string, error) {
	_, done, err := m.check(ctx, src, checks)
	if err != nil {
		return "", err
	}
	if err := done.Err(); err != nil {
		return "", refusal(done.Receipt, err)
	}
	return text(done.Receipt)
}

// text is the report for people.
func text(r *receipt.Receipt) (string, error) {
	var b strings.Builder
	err := report.Write(&b, "text", r)
	return b.String(), err
}

// refusal is a verdict with the report.
func refusal(r *receipt.Receipt, verdict error) error {
	shown, err := text(r)
	if err != nil {
		return err
	}
	return refused{shown, told(verdict)}
}

// refused is a verdict with the report.
type refused struct {
	report  string
	verdict error
}

func (r refused) Error() string { return r.report + "\n" + r.verdict.Error() }

func (m *Slipway) check(ctx context.Context, src *dagger.Directory, checks pipeline.Checks) (*run, *pipeline.Checked, error) {
	r, err := m.start(ctx, src, m.Platforms...)
	if err != nil {
		return nil, nil, told(err)
	}
	defer r.screen.Close()
	done, err := r.Check(ctx, r.said, checks)
	return r, done, told(err)
}
