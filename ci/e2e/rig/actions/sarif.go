package actions

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
)

// uploadSARIF checks a report as GitHub's code scanning does on arrival.
func uploadSARIF(_ context.Context, t *turn) error {
	if err := t.may("security-events", "write"); err != nil && !t.event.Fork {
		return err
	}
	file := cmp.Or(t.step.With["sarif_file"], "../results")
	if !filepath.IsAbs(file) {
		file = filepath.Join(t.result.Workspace, filepath.FromSlash(file))
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return failed("Path does not exist: %s", t.step.With["sarif_file"])
	}
	var report struct {
		Version string
		Runs    []struct {
			Tool struct{ Driver struct{ Name string } }
		}
	}
	if err := json.Unmarshal(raw, &report); err != nil {
		return failed("Invalid SARIF. JSON syntax error: %v", err)
	}
	if report.Version != "2.1.0" || len(report.Runs) == 0 || len(report.Runs) > 20 || report.Runs[0].Tool.Driver.Name == "" {
		return failed("Invalid SARIF: a report has version 2.1.0 and one to twenty runs, each with the name of its tool")
	}
	t.step.Outputs["sarif-id"] = "1"
	return nil
}
