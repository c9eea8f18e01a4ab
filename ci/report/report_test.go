package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/report"
)

var update = flag.Bool("update", false, "write the golden files again")

// samples are the receipts of testdata: failed has everything that a gate can say, hostile
// text among it, published, unpublished and planned are of publishing, broken does not
// compile, and stopped was interrupted before anything was known.
func samples() []string {
	return []string{"passed", "failed", "published", "unpublished", "planned", "broken", "stopped"}
}

// sample is a receipt of testdata.
func sample(t *testing.T, name string) *receipt.Receipt {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	require.NoError(t, err)
	r, err := report.Read(text)
	require.NoError(t, err)
	return r
}

func render(t *testing.T, format string, r *receipt.Receipt) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, report.Write(&b, format, r))
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "go test ./ci/report -update writes it")
	require.Equal(t, string(want), got)
}

func TestWrite_GoldenFiles(t *testing.T) {
	t.Parallel()
	for _, name := range samples() {
		r := sample(t, name)
		for _, format := range report.Formats() {
			if format != "json" { // the receipt itself
				golden(t, name+"."+format+".golden", render(t, format, r))
			}
		}
		for _, width := range []int{40, 72, 140} {
			var b bytes.Buffer
			require.NoError(t, report.Text(&b, r, report.TextOptions{Width: width, Color: width == 140}))
			golden(t, name+map[int]string{40: ".narrow", 72: ".small", 140: ".wide"}[width]+".text.golden", strings.ReplaceAll(b.String(), "\x1b", "<ESC>"))
		}
	}
}

func TestWrite_KnowsItsFormatsOnly(t *testing.T) {
	t.Parallel()
	err := report.Write(io.Discard, "pdf", &receipt.Receipt{})
	require.Equal(t, fault.Usage, fault.KindOf(err))
	require.ErrorContains(t, err, "text, json, html, sarif, junit, markdown")
}

// sarifSchema is OASIS's own:
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json
func sarifSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	return compiled(t, filepath.Join("testdata", "sarif-schema-2.1.0.json"))
}

func TestSARIF_IsValid(t *testing.T) {
	t.Parallel()
	schema := sarifSchema(t)
	all := []*receipt.Receipt{{}}
	for _, name := range samples() {
		all = append(all, sample(t, name))
	}
	for _, r := range all {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(render(t, "sarif", r)))
		require.NoError(t, err)
		require.NoError(t, schema.Validate(doc))
	}
	require.Error(t, schema.Validate(map[string]any{"version": "2.1.0"}), "the schema refuses what is wrong")
}

func TestJSON_ComesBackAsItWas(t *testing.T) {
	t.Parallel()
	for _, name := range samples() {
		r := sample(t, name)
		text := render(t, "json", r)
		require.True(t, strings.HasSuffix(text, "}\n"))
		require.NotContains(t, text, "\u202e")
		back, err := report.Read([]byte(text))
		require.NoError(t, err)
		require.Equal(t, r, back)
		require.Equal(t, text, render(t, "json", back))
	}
	require.Contains(t, render(t, "json", sample(t, "failed")), "<script>", "HTML is not escaped")
}

func TestJUnit_IsXML(t *testing.T) {
	t.Parallel()
	for _, name := range samples() {
		dec := xml.NewDecoder(strings.NewReader(render(t, "junit", sample(t, name))))
		for {
			_, err := dec.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
		}
	}
}

func TestRead_RefusesWhatIsNoReceipt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, says string }{
		{"nothing", "", "no receipt"},
		{"no JSON", "<html>", "no receipt"},
		{"a list", "[]", "no receipt"},
		{"another schema", `{"schema": "slipway.inspect/1"}`, `its schema is "slipway.inspect/1"`},
		{"a later schema", `{"schema": "slipway.receipt/2"}`, "the Slipway that wrote it"},
		{"two of them", `{"schema": "slipway.receipt/1", "verdict": "passed"} {}`, "no receipt"},
		{"another type", `{"schema": "slipway.receipt/1", "gates": 3}`, "reading the receipt"},
		{"no verdict", `{"schema": "slipway.receipt/1"}`, `the verdict "" is none`},
		{"an outcome that is none", `{"schema": "slipway.receipt/1", "verdict": "passed", "gates": [{"name": "tests", "outcome": "fine"}]}`, `the outcome "fine"`},
		{"a status that is none", `{"schema": "slipway.receipt/1", "verdict": "passed", "findings": [{"id": "x", "status": "fine"}]}`, `the status "fine"`},
		{"a state that is none", `{"schema": "slipway.receipt/1", "verdict": "passed", "run": {"publications": [{"repository": "a/b", "state": "fine"}]}}`, `publishing to "a/b": the state "fine"`},
		{"a tag's outcome that is none", `{"schema": "slipway.receipt/1", "verdict": "passed", "run": {"publications": [{"state": "published", "tags": [{"name": "v1", "outcome": "fine"}]}]}}`, `the outcome "fine" of the tag "v1"`},
		{"an attestation's outcome that is none", `{"schema": "slipway.receipt/1", "verdict": "passed", "run": {"publications": [{"state": "published", "attestations": [{"type": "x"}]}]}}`, `the outcome "" of the attestation "x"`},
		{"a failure that is none", `{"schema": "slipway.receipt/1", "verdict": "failed", "failure": "tests"}`, "reading the receipt"},
		{"an exit code that is none", `{"schema": "slipway.receipt/1", "verdict": "failed", "failure": {"exit": 1e99}}`, "reading the receipt"},
		{"commands that are none", `{"schema": "slipway.receipt/1", "verdict": "failed", "run": {"steps": [{"commands": ["rm"]}]}}`, "reading the receipt"},
		{"settings that are none", `{"schema": "slipway.receipt/1", "verdict": "failed", "run": {"request": {"settings": ["a"]}}}`, "reading the receipt"},
		{"too much", strings.Repeat(" ", report.MaxReceipt+1), "larger than 64 MiB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := report.Read([]byte(tt.text))
			require.ErrorContains(t, err, tt.says)
			require.Equal(t, fault.Usage, fault.KindOf(err))
		})
	}
}

func TestRead_TakesFieldsOfANewerSlipway(t *testing.T) {
	t.Parallel()
	r, err := report.Read([]byte(`{"schema": "slipway.receipt/1", "verdict": "passed", "signed": true}`))
	require.NoError(t, err)
	require.Equal(t, receipt.Passed, r.Verdict)
}

func TestAll_WritesEveryFileAndLeavesNothingElse(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "out", "report")
	for range 2 {
		require.NoError(t, report.All(dir, sample(t, "failed")))
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		require.Equal(t, []string{"junit.xml", "receipt.json", "report.html", "results.sarif", "summary.md"}, names)
	}
	text, err := os.ReadFile(filepath.Join(dir, "receipt.json"))
	require.NoError(t, err)
	require.True(t, json.Valid(text))
	require.Equal(t, render(t, "json", sample(t, "failed")), string(text))
}

func TestAll_DoesNotFollowALinkOutOfTheOutput(t *testing.T) {
	t.Parallel()
	for _, link := range []string{"out", "out/report"} {
		dir, home := t.TempDir(), t.TempDir()
		name := filepath.Join(dir, filepath.FromSlash(link))
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.Symlink(home, name))
		require.ErrorContains(t, report.All(filepath.Join(dir, "out", "report"), sample(t, "passed")), "is a link")
		entries, err := os.ReadDir(home)
		require.NoError(t, err)
		require.Empty(t, entries)
	}
}
