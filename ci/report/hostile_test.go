package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/report"
)

// kept are the fields whose text decides what a receipt is, and the times.
var kept = map[string]bool{
	"schema": true, "verdict": true, "outcome": true, "status": true, "state": true, "started": true, "ended": true, "updated": true, "gate": true,
}

// filled is a receipt of testdata with every text and number in it replaced.
func filled(t *testing.T, name, text string, number json.Number) *receipt.Receipt {
	t.Helper()
	saved, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	require.NoError(t, err)
	dec := json.NewDecoder(bytes.NewReader(saved))
	dec.UseNumber()
	var doc any
	require.NoError(t, dec.Decode(&doc))
	out, err := json.Marshal(replaced("", doc, text, number))
	require.NoError(t, err)
	r, err := report.Read(out)
	require.NoError(t, err)
	return r
}

func replaced(key string, v any, text string, number json.Number) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = replaced(k, v[k], text, number)
		}
	case []any:
		for i := range v {
			v[i] = replaced(key, v[i], text, number)
		}
	case string:
		if !kept[key] {
			return text
		}
	case json.Number:
		switch key {
		case "uid", "gid", "entries", "count", "valid", "expired", "broken", "databaseAge", "uploaded", "mounted", "present", "exit", "rerun", "reruns":
			return json.Number("1") // int, which differs between machines
		}
		return number
	}
	return v
}

func TestWrite_IsSafeWhateverAReceiptSays(t *testing.T) {
	t.Parallel()
	schema := sarifSchema(t)
	for name, text := range map[string]string{
		"empty": "", "mark-up": `"><script>alert(1)</script><img src=x onerror=alert(2)>]]></details></pre><!--`,
		"markdown": "|\\|`` x ``|\\` [a](javascript:b) ![c](https://d) @e #1 https://f www.g h@i.j ~~k~~ *l* _m_ $n$", "controls": "\x1b[31m\x00\x07\x9b2J\u202e\u2066\ufeff\r\n\t::error::x\n##[error]y",
		"long": strings.Repeat("word", 1100), "broken": "\xff\xfe\xed\xa0\x80", "address": "javascript:alert(1)", "path": "../../../etc/passwd:7", "template": "{{.}}${x}",
	} {
		for i, number := range []json.Number{"-1", "0", json.Number(jsonInt(math.MaxInt64)), json.Number(jsonInt(math.MinInt64))} {
			if i > 0 && name != "mark-up" {
				continue
			}
			t.Run(name+" "+number.String(), func(t *testing.T) {
				t.Parallel()
				for _, of := range []string{"failed", "published", "unpublished", "broken", "stopped"} {
					safe(t, schema, filled(t, of, text, number))
				}
			})
		}
	}
}

func jsonInt(n int64) string {
	text, _ := json.Marshal(n)
	return string(text)
}

// printed is what a tool printed: HTML, in which nothing is Markdown.
var printed = regexp.MustCompile(`(?s)<pre>.*?</pre>`)

// safe renders a receipt in every form and looks for what must not be in it.
func safe(t *testing.T, schema *jsonschema.Schema, r *receipt.Receipt) {
	t.Helper()
	for _, format := range report.Formats() {
		got := render(t, format, r)
		require.True(t, utf8.ValidString(got), format)
		for _, bad := range []string{"\x1b", "\x00", "\x07", "\r", "\u009b", "\u202e", "\u2066", "\ufeff"} {
			require.NotContains(t, got, bad, format)
		}
		switch format {
		case "html":
			require.Equal(t, 1, strings.Count(got, "<script"))
			require.Equal(t, 1, strings.Count(got, "<style"))
			require.NotContains(t, got, "<img")
			require.NotContains(t, got, `href="javascript`)
		case "markdown":
			require.Less(t, len(got), 1<<20)
			require.NotContains(t, got, "<script")
			require.NotContains(t, got, "<!--")
			require.NotContains(t, printed.ReplaceAllString(got, ""), "](javascript")
			require.Equal(t, strings.Count(got, "<details>"), strings.Count(got, "</details>"))
			require.Equal(t, strings.Count(got, "<pre>"), strings.Count(got, "</pre>"))
		case "text":
			for line := range strings.Lines(got) {
				require.False(t, strings.HasPrefix(strings.TrimSpace(line), "::"), line)
				require.NotContains(t, line, "##[")
			}
		case "junit":
			require.NoError(t, xml.Unmarshal([]byte(got), new(struct{})))
		case "sarif":
			doc, err := jsonschema.UnmarshalJSON(strings.NewReader(got))
			require.NoError(t, err)
			require.NoError(t, schema.Validate(doc))
		}
	}
	for _, width := range []int{-1, 1, 40, 500} {
		require.NoError(t, report.Text(new(bytes.Buffer), r, report.TextOptions{Width: width, Color: true}))
	}
}

func TestWrite_ManyFindings(t *testing.T) {
	t.Parallel()
	r := sample(t, "failed")
	for len(r.Findings) < 20_000 {
		r.Findings = append(r.Findings, r.Findings[:9]...)
	}
	var output []string
	for range 1000 {
		output = append(output, strings.Repeat("x", 1000))
	}
	tests := &r.Tests.Packages[1]
	for range 1000 {
		tests.Tests = append(tests.Tests, finding.Test{Name: "TestMany", Outcome: "fail", Output: output[:20]})
	}
	r.Gates[0].Detail = output
	got := render(t, "markdown", r)
	require.Less(t, len(got), 1<<20)
	require.Contains(t, got, "The rest is left out, because a summary has at most 1 MiB.")
	require.Equal(t, strings.Count(got, "<details>"), strings.Count(got, "</details>"))
	text := render(t, "text", r)
	require.Contains(t, text, "more findings\n")
	require.Less(t, len(text), 1<<18)
	require.Less(t, len(render(t, "html", r)), 16<<20)
}

func TestWrite_ManyPublications(t *testing.T) {
	t.Parallel()
	r := sample(t, "unpublished")
	one := r.Run.Publications[0]
	for i := range 600 {
		one.Tags = append(one.Tags, receipt.Tag{Name: strings.Repeat("t", 128), Outcome: receipt.TagMoved, Before: fmt.Sprint("sha256:", i)})
		one.Attestations = append(one.Attestations, receipt.Attestation{Type: fmt.Sprint("type", i), Signed: fmt.Sprint("signer", i), Outcome: "failed", Why: "no"})
	}
	incomplete := r.Run.Publications[1]
	r.Run.Publications = nil
	for range 60 {
		r.Run.Publications = append(r.Run.Publications, one)
	}
	r.Run.Publications = append(r.Run.Publications, incomplete)
	text := render(t, "text", r)
	require.Contains(t, text, "incomplete  registry.tide.example:5000/", "what failed is shown first")
	require.Contains(t, text, "and 585 more tags\n")
	require.Contains(t, text, "and 580 more attestations\n")
	require.Contains(t, text, "and 11 more publications\n")
	require.Less(t, len(text), 1<<18)
	got := render(t, "markdown", r)
	require.Less(t, len(got), 1<<20)
	require.Contains(t, got, "The rest is left out, because a summary has at most 1 MiB.")
	require.Contains(t, got, "**Fix:** give ci-bot the right")
	require.Less(t, len(render(t, "html", r)), 24<<20)
}

func FuzzWrite(f *testing.F) {
	f.Add([]byte(`{"schema":"slipway.receipt/1","verdict":"failed","gates":[{"name":"tests","outcome":"failed","detail":["x"]}],"findings":[{"id":"CVE-1","status":"fails","severity":"high","package":{"name":"a","fixed":["1"]},"paths":["a:1"],"trace":["b"]}]}`))
	f.Add([]byte(`{"schema":"slipway.receipt/1","verdict":"passed","images":[{"name":"a","plan":{"platforms":[{"os":"linux"}]},"inspection":{"images":[{"layers":[{"digest":"x","compressed":1}],"programs":[{"go":{"modules":[{"name":"std","size":9}],"packages":[{"name":"fmt","size":5}]}}]}]}}],"run":{"steps":[{"name":"a","after":1,"took":2}]}}`))
	f.Add([]byte(`{"schema":"slipway.receipt/1","verdict":"unpublished","run":{"publications":[{"repository":"a/b","digest":"sha256:c","state":"incomplete","fault":"d","tags":[{"name":"e","before":"f","outcome":"moved"},{"name":"g","outcome":"kept","why":"h"}],"attestations":[{"subject":"i","type":"j","signed":"k","outcome":"failed","why":"l"}],"referrers":"tag","uploaded":-1,"bytes":-1}]}}`))
	f.Add([]byte(`{"schema":"slipway.receipt/1","verdict":"stopped","failure":{"kind":"engine","exit":40,"step":"a","what":"b","fix":"c","detail":["d","e"]},"source":{"commit":"f","folder":".","dirty":["g"]},"toolchain":{"release":"go1.26.9","from":"h","sum":"i"},"images":[{"name":"j","planHash":{"linux/amd64":"k"},"since":"l@m"}],"tests":{"reruns":2,"packages":[{"name":"n","tests":[{"name":"o/p","outcome":"flaky","output":["q"]}]}]},"run":{"request":{"verb":"check","settings":{"r":["s"]},"gates":["t"],"twice":true,"rerun":1},"replay":"u","started":"2026-11-28T06:12:00Z","ended":"2026-11-28T06:12:09Z","steps":[{"name":"a","outcome":"failed","after":-1,"took":9,"commands":[{"args":["v"],"env":["w=x"],"exit":-1}],"log":["y"]},{"name":"z","after":99}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := report.Read(data)
		if err != nil {
			return
		}
		for _, format := range report.Formats() {
			render(t, format, r)
		}
	})
}
