package policy_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/policy"
)

// object is JSON that a test changes.
type object = map[string]any

// statement says that the usual finding does not affect a product.
func statement(product any, change func(object)) object {
	s := object{
		"vulnerability": object{"name": "CVE-2026-78667"}, "products": []any{product},
		"status": "not_affected", "justification": "vulnerable_code_not_in_execute_path",
	}
	if change != nil {
		change(s)
	}
	return s
}

// document is a whole document, as text.
func document(t *testing.T, change func(object), statements ...object) string {
	t.Helper()
	doc := object{
		"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/vex/1", "author": "Ada <ada@example.com>",
		"timestamp": "2026-11-01T00:00:00Z", "version": 1, "statements": statements,
	}
	if change != nil {
		change(doc)
	}
	text, err := json.Marshal(doc)
	require.NoError(t, err)
	return string(text)
}

func vex(t *testing.T, statements ...object) policy.VEX {
	t.Helper()
	v, err := policy.ParseVEX("vex/a.json", []byte(document(t, nil, statements...)))
	require.NoError(t, err)
	return v
}

func TestApply_TakesAStatementOnTheProductOrThePackage(t *testing.T) {
	t.Parallel()
	const net = "pkg:golang/golang.org/x/net"
	id := func(purl string) object { return object{"@id": purl} }
	within := func(product string, parts ...string) object {
		subs := []object{}
		for _, part := range parts {
			subs = append(subs, id(part))
		}
		return object{"@id": product, "subcomponents": subs}
	}
	withPURL := func(purl string) func(*finding.Finding) {
		return func(f *finding.Finding) { f.Package.PURL = purl }
	}
	base := func(f *finding.Finding) {
		f.Package = &finding.Package{Name: "base-files", Kind: "deb", Installed: "13.4", Fixed: []string{"13.5"}, PURL: "pkg:deb/debian/base-files@13.4?arch=amd64&distro=debian-13"}
	}
	baseOnOne := func(f *finding.Finding) { base(f); f.Platforms = []string{"linux/amd64"} }
	tests := []struct {
		name    string
		product object
		change  func(*finding.Finding)
		covered bool
	}{
		{"the package at its version", id(net + "@v0.33.0"), nil, true},
		{"without the v", id(net + "@0.33.0"), nil, true},
		{"every version", id(net), nil, true},
		{"as an identifier", object{"identifiers": object{"purl": net}}, nil, true},
		{"as a module of CycloneDX", id(net + "@v0.33.0?type=module"), nil, true},
		{"escaped", id("pkg:golang/golang.org%2Fx%2Fnet@v0.33.0"), nil, true},
		{"another version", id(net + "@v0.32.0"), nil, false},
		{"another package", id("pkg:golang/golang.org/x/text"), nil, false},
		{"a package above it", id("pkg:golang/golang.org/x"), nil, false},
		{"another kind", id("pkg:npm/golang.org/x/net"), nil, false},
		{"a part of the package", id(net + "#html"), nil, false},
		{"a qualifier that it does not have", id(net + "?goos=windows"), nil, false},
		{"a finding without a package URL", id(net), withPURL(""), false},
		{"a finding without a package", id(net), func(f *finding.Finding) { f.Package = nil }, false},
		{"capitals in a path", id("pkg:golang/github.com/Masterminds/semver"), withPURL("pkg:golang/github.com/masterminds/semver@v1.0.0"), true},
		{"a version with a plus", id("pkg:golang/a.b/c@v1.0.0%2Bincompatible"), withPURL("pkg:golang/a.b/c@v1.0.0+incompatible"), true},

		{"the image", id("pkg:oci/tide"), nil, true},
		{"the image in a repository", id("pkg:oci/tide?repository_url=ghcr.io/team/tide"), nil, true},
		{"another image", id("pkg:oci/moon"), nil, false},
		{"an image of before", id("pkg:oci/tide@sha256%3A" + strings.Repeat("ab", 32)), nil, false},
		{"the image on one platform", id("pkg:oci/tide?arch=amd64"), nil, false},
		{"the image, in the package", within("pkg:oci/tide", net), nil, true},
		{"the image, in another package", within("pkg:oci/tide", "pkg:golang/golang.org/x/text"), nil, false},
		{"the image, in one of several", within("pkg:oci/tide", "pkg:golang/stdlib", net+"@v0.33.0"), nil, true},
		{"the image, in what has no package URL", object{"@id": "pkg:oci/tide", "subcomponents": []object{{"@id": "https://example.com/net"}}}, nil, false},

		{"the main module", id("pkg:golang/example.com/tide"), nil, true},
		{"at its version", id("pkg:golang/example.com/tide@v1.2.3"), nil, true},
		{"at another version", id("pkg:golang/example.com/tide@v1.2.4"), nil, false},
		{"in the package", within("pkg:golang/example.com/tide", net), nil, true},
		{"in another package", within("pkg:golang/example.com/tide", "pkg:golang/stdlib"), nil, false},

		{"somebody else's product with the package", within("pkg:golang/example.com/moon", net), nil, false},
		{"a product that is no package", id("https://example.com/tide"), nil, false},
		{"a product known by its hash", object{"hashes": object{"sha-256": "00"}}, nil, false},

		{"a package of the base", id("pkg:deb/debian/base-files"), base, true},
		{"of its distribution", id("pkg:deb/debian/base-files@13.4?distro=debian-13"), base, true},
		{"of another distribution", id("pkg:deb/debian/base-files?distro=debian-12"), base, false},
		{"on one architecture of two", id("pkg:deb/debian/base-files?arch=amd64"), base, false},
		{"on the only architecture", id("pkg:deb/debian/base-files?arch=amd64"), baseOnOne, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := usual
			p.Product = "pkg:golang/example.com/tide@v1.2.3"
			got := apply(t, inNet(tt.change), p, vex(t, statement(tt.product, nil)))
			want := finding.Fails
			if tt.covered {
				want = finding.NotAffected
			}
			require.Equal(t, want, got.Status, got.Reason)
		})
	}
}

func TestApply_TakesWhatAStatementSays(t *testing.T) {
	t.Parallel()
	set := func(pairs ...any) func(object) {
		return func(s object) {
			for i := 0; i < len(pairs); i += 2 {
				s[pairs[i].(string)] = pairs[i+1]
			}
		}
	}
	tests := []struct {
		name       string
		statements []func(object)
		reason     string // empty where the finding fails
	}{
		{"a justification", []func(object){nil}, "Ada <ada@example.com> says in vex/a.json that it does not affect the product: vulnerable_code_not_in_execute_path"},
		{
			"an impact statement", []func(object){set("justification", "", "impact_statement", "patched\x1b[2J out")},
			"does not affect the product: patched [2J out",
		},
		{"both", []func(object){set("impact_statement", "patched")}, ": vulnerable_code_not_in_execute_path, patched"},
		{"a fix", []func(object){set("status", "fixed", "justification", "")}, "Ada <ada@example.com> says in vex/a.json that it is fixed"},
		{"that it is affected", []func(object){set("status", "affected", "action_statement", "update")}, ""},
		{"that nobody knows yet", []func(object){set("status", "under_investigation")}, ""},
		{"another vulnerability", []func(object){set("vulnerability", object{"name": "CVE-2026-1"})}, ""},
		{"another name of it", []func(object){set("vulnerability", object{"name": "X-1", "aliases": []string{"GO-2026-6609"}})}, "does not affect"},
		{"a later word against it", []func(object){nil, set("status", "affected", "action_statement", "update", "timestamp", "2026-11-02T00:00:00Z")}, ""},
		{"an earlier word against it", []func(object){set("status", "under_investigation", "timestamp", "2026-10-01T00:00:00Z"), nil}, "does not affect"},
		{"an earlier word that stands later", []func(object){nil, set("status", "under_investigation", "timestamp", "2026-10-01T00:00:00Z")}, "does not affect"},
		{"two words of one time", []func(object){set("status", "under_investigation"), nil}, "does not affect"},
		{"two words of one time, the other way", []func(object){nil, set("status", "under_investigation")}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var statements []object
			for _, change := range tt.statements {
				statements = append(statements, statement(object{"@id": "pkg:oci/tide"}, change))
			}
			got := apply(t, inNet(nil), usual, vex(t, statements...))
			if tt.reason == "" {
				require.Equal(t, finding.Fails, got.Status)
				return
			}
			require.Equal(t, finding.NotAffected, got.Status)
			require.Contains(t, got.Reason, tt.reason)
		})
	}
}

func TestApply_HearsAnExceptionBeforeAStatementAndBothBeforeTheThreshold(t *testing.T) {
	t.Parallel()
	doc := vex(t, statement(object{"@id": "pkg:oci/tide"}, nil))
	low := inNet(func(f *finding.Finding) { f.Severity = finding.Low })
	require.Equal(t, finding.NotAffected, apply(t, low, usual, doc).Status)
	p := usual
	p.Exceptions = []plan.Exception{exception(nil)}
	require.Equal(t, finding.Accepted, apply(t, low, p, doc).Status)
}

func TestApply_TakesStatementsOnVulnerabilitiesOnly(t *testing.T) {
	t.Parallel()
	rule := inNet(func(f *finding.Finding) { f.Gate, f.ID, f.Package = finding.GateImage, "user-root", nil })
	doc := vex(t, statement(object{"@id": "pkg:oci/tide"}, func(s object) { s["vulnerability"] = object{"name": "user-root"} }))
	require.Equal(t, finding.Fails, apply(t, rule, usual, doc).Status)
}

func TestParseVEX_RefusesWhatTheSpecificationDoes(t *testing.T) {
	t.Parallel()
	right := statement(object{"@id": "pkg:oci/tide"}, nil)
	set := func(o object, key string, value any) object {
		changed := object{}
		for k, v := range o {
			changed[k] = v
		}
		if changed[key] = value; value == nil {
			delete(changed, key)
		}
		return changed
	}
	doc := func(key string, value any) string {
		return document(t, func(o object) {
			if o[key] = value; value == nil {
				delete(o, key)
			}
		}, right)
	}
	one := func(key string, value any) string { return document(t, nil, set(right, key, value)) }
	for name, tt := range map[string]struct{ text, says string }{
		"nothing":                       {"", "not an OpenVEX document"},
		"no JSON":                       {"{", "not an OpenVEX document"},
		"no object":                     {"[]", "not an OpenVEX document"},
		"something behind it":           {document(t, nil, right) + "{}", "not an OpenVEX document"},
		"no UTF-8":                      {strings.Replace(document(t, nil, right), "Ada", "\xff", 1), "not UTF-8"},
		"another context":               {doc("@context", "https://example.com"), `its @context is "https://example.com"`},
		"an earlier version":            {doc("@context", "https://openvex.dev/ns"), "v0.2.0 is the version"},
		"no context":                    {doc("@context", nil), "@context"},
		"no id":                         {doc("@id", nil), "no @id"},
		"no author":                     {doc("author", " \n"), "no author"},
		"no timestamp":                  {doc("timestamp", nil), "no timestamp"},
		"no time":                       {doc("timestamp", "yesterday"), "yesterday"},
		"no version":                    {doc("version", nil), "no version"},
		"a version in words":            {doc("version", "1"), "version"},
		"no statements":                 {doc("statements", nil), "no statements"},
		"an unknown key":                {doc("comment", "x"), `unknown field "comment"`},
		"a key twice":                   {strings.Replace(document(t, nil, right), `"version":1`, `"version":1,"version":2`, 1), `"version" is there twice`},
		"a key twice in another case":   {strings.Replace(document(t, nil, right), `"status":`, `"Status":"affected","status":`, 1), `is there twice`},
		"no name":                       {one("vulnerability", object{"name": " "}), "has no name"},
		"a name alone":                  {one("vulnerability", "CVE-2026-1"), "not an OpenVEX document"},
		"no status":                     {one("status", nil), "status"},
		"an unknown status":             {one("status", "fine"), `statement 1, on "CVE-2026-78667": its status "fine"`},
		"no justification":              {one("justification", nil), "needs a justification or an impact_statement"},
		"an unknown justification":      {one("justification", "we_are_fine"), `its justification "we_are_fine"`},
		"an empty impact statement":     {document(t, nil, set(set(right, "justification", nil), "impact_statement", "\t")), "needs a justification"},
		"no action":                     {one("status", "affected"), "needs an action_statement"},
		"no products":                   {one("products", nil), "no products"},
		"a product without a name":      {one("products", []object{{}}), "no identifier"},
		"a subcomponent without a name": {one("products", []object{{"@id": "pkg:oci/tide", "subcomponents": []object{{}}}}), "no identifier"},
		"a misspelt subcomponent":       {one("products", []object{{"@id": "pkg:oci/tide", "subcomponent": []object{}}}), "unknown field"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := policy.ParseVEX("vex/a.json", []byte(tt.text))
			require.Error(t, err)
			require.Equal(t, fault.Usage, fault.KindOf(err), "%v", err)
			require.Contains(t, err.Error(), "vex/a.json")
			require.Contains(t, err.Error(), tt.says)
		})
	}
}

func TestReadVEX_ReadsFilesOfTheSourceFolderOnly(t *testing.T) {
	t.Parallel()
	outside := filepath.Join(t.TempDir(), "out.json")
	root := t.TempDir()
	text := []byte(document(t, nil, statement(object{"@id": "pkg:oci/tide"}, nil)))
	require.NoError(t, os.WriteFile(outside, text, 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(root, "vex"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(root, "vex", "a.json"), text, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(root, "large.json"), append(text, strings.Repeat(" ", 4<<20)...), 0o600))
	require.NoError(t, os.Symlink(filepath.Join("vex", "a.json"), filepath.Join(root, "in.json")))
	require.NoError(t, os.Symlink(outside, filepath.Join(root, "link.json")))

	docs, err := policy.ReadVEX(root, []string{"vex/a.json", "in.json"})
	require.NoError(t, err)
	require.Len(t, docs, 2)
	require.Equal(t, "vex/a.json", docs[0].File)
	none, err := policy.ReadVEX("no such folder", nil)
	require.NoError(t, err)
	require.Empty(t, none)
	for _, name := range []string{"link.json", "../" + filepath.Base(filepath.Dir(outside)) + "/out.json", outside, "vex", "gone.json", "large.json"} {
		_, err := policy.ReadVEX(root, []string{name})
		require.Error(t, err, name)
		require.Equal(t, fault.Usage, fault.KindOf(err), "%v", err)
		require.Contains(t, err.Error(), name)
	}
}

// What is read can be held against a finding, and what is not is a user's error.
func FuzzParseVEX(f *testing.F) {
	f.Add(`{"@context":"https://openvex.dev/ns/v0.2.0","@id":"a","author":"b","timestamp":"2026-11-01T00:00:00Z","version":1,"statements":[` +
		`{"vulnerability":{"name":"CVE-2026-78667"},"products":[{"@id":"pkg:oci/tide?a=%zz#b","subcomponents":[{"identifiers":{"purl":"pkg:golang/a@b"}}]}],"status":"fixed"}]}`)
	f.Add(`{"@context":"https://openvex.dev/ns/v0.2.0","statements":[[[[]]]]}`)
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := policy.ParseVEX("a.json", []byte(text))
		if err != nil {
			require.Equal(t, fault.Usage, fault.KindOf(err))
			return
		}
		require.Len(t, policy.Apply([]finding.Finding{inNet(nil)}, usual, []policy.VEX{doc}, nil, now), 1)
	})
}
