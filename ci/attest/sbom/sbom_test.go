package sbom_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/attest/sbom"
	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/plan"
)

var update = flag.Bool("update", false, "write the golden files again")

var linux = plan.Platform{OS: "linux", Arch: "amd64"}

func digest(letter string) string { return "sha256:" + strings.Repeat(letter, 64) }

// tide is an image with something of everything.
func tide() sbom.Subject {
	return sbom.Subject{
		Slipway: "v0.5.0",
		Plan: plan.Image{
			Name: "tide", Module: "example.com/tide", Version: "v1.2.3", Licenses: "Apache-2.0", Epoch: 1_790_000_000,
			Base: plan.Pin{Name: "gcr.io/distroless/static-debian13", Tag: "nonroot", Digest: digest("b")},
			Files: []plan.File{
				{Path: "etc/tide", Folder: true}, {Path: "etc/tide/tables.csv", Source: "tables.csv", SHA256: strings.Repeat("f", 64)},
			},
			Platforms: []plan.Platform{linux},
		},
		Image: inspect.Image{
			Platform: linux, Digest: digest("a"), Distribution: &inspect.Distribution{ID: "debian", Version: "13"},
			Packages: []inspect.Package{
				{Kind: "deb", Name: "media-types", Version: "13.0.0", Arch: "all", Licence: "GPL-2.0-or-later"},
				{Kind: "deb", Name: "tzdata-legacy", Version: "2026a-0+deb13u1", Arch: "all", Source: "tzdata"},
			},
			Programs: []inspect.Program{
				{Path: "/app/tide", Entrypoint: true, Go: &inspect.Go{
					Version: "go1.26.9", Package: "example.com/tide", Module: inspect.Module{Path: "example.com/tide", Version: "(devel)"},
					Dependencies: []inspect.Dependency{
						{Module: inspect.Module{Path: "github.com/BurntSushi/toml", Version: "v1.5.0"}, Sum: "h1:W5quZX/G/csjUnuI8SUYlsHs9M38FC7znL0lIO+DvMg="},
						{Module: inspect.Module{Path: "./moon", Version: ""}, Replaces: &inspect.Module{Path: "example.com/moon", Version: "v0.1.0"}},
						{Module: inspect.Module{Path: "example.org/fork/net", Version: "v0.50.0"}, Sum: "h1:ucWh9eiCGyDR3vtzso0WMQinm2Dnt8cFMuQa9K33J60=", Replaces: &inspect.Module{Path: "golang.org/x/net", Version: "v0.49.0"}},
					},
				}},
				{Path: "/app/tool", Go: &inspect.Go{
					Version: "go1.26.9", Module: inspect.Module{Path: "example.com/tool", Version: "v0.3.0"},
					Dependencies: []inspect.Dependency{
						{Module: inspect.Module{Path: "github.com/BurntSushi/toml", Version: "v1.5.0"}, Sum: "h1:W5quZX/G/csjUnuI8SUYlsHs9M38FC7znL0lIO+DvMg="},
						{Module: inspect.Module{Path: "github.com/burntsushi/toml", Version: "v1.5.0"}},
					},
				}},
			},
		},
		Licence: func(path, version string) string {
			return map[string]string{"github.com/BurntSushi/toml@v1.5.0": "MIT", "example.com/tool@v0.3.0": "my own\nwords"}[path+"@"+version]
		},
	}
}

// hostile is an image whose every word is somebody's attempt.
func hostile() sbom.Subject {
	words := []string{"", " ", "\x1b[2J", "\xff\xfe", "</script><script>", "a\"b\\c\n", "SPDXRef-DOCUMENT", "%2e%2e/..", strings.Repeat("x", 5000), "@#?&=", "ü漢\u202e"}
	s := tide()
	for _, w := range words {
		s.Image.Packages = append(s.Image.Packages, inspect.Package{Kind: "deb", Name: w, Version: w, Arch: w, Source: w, Licence: "MIT"})
		s.Image.Programs = append(s.Image.Programs, inspect.Program{Path: "/" + w, Unread: w}, inspect.Program{Path: "/go/" + w, Go: &inspect.Go{
			Version: w, Module: inspect.Module{Path: w, Version: w},
			Dependencies: []inspect.Dependency{{Module: inspect.Module{Path: w, Version: w}, Sum: w, Replaces: &inspect.Module{Path: w, Version: w}}},
		}})
	}
	s.Image.Unlisted = inspect.Listing{Count: 1, Paths: []string{"/var/lib/rpm/\x00"}}
	s.Plan.Licenses, s.Slipway = "LicenseRef-\x1b", ""
	return s
}

var subjects = map[string]func() sbom.Subject{
	"tide": tide, "hostile": hostile,
	"bare": func() sbom.Subject {
		return sbom.Subject{Plan: plan.Image{Name: "bare"}, Image: inspect.Image{Digest: digest("c"), Platform: linux}}
	},
}

var forms = map[string]func(sbom.Subject) (*attest.Statement, error){"spdx": sbom.SPDX, "cyclonedx": sbom.CycloneDX}

func document(t *testing.T, form string, s sbom.Subject) []byte {
	t.Helper()
	made, err := forms[form](s)
	require.NoError(t, err)
	require.True(t, made.Is(s.Image.Digest))
	return made.Predicate
}

func TestForms_GoldenFiles(t *testing.T) {
	t.Parallel()
	for form := range forms {
		var got bytes.Buffer
		require.NoError(t, json.Indent(&got, document(t, form, tide()), "", "  "))
		path := filepath.Join("testdata", form+".golden")
		if *update {
			require.NoError(t, os.WriteFile(path, got.Bytes(), 0o600))
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err, "go test ./ci/attest/sbom -update writes it")
		require.Equal(t, string(want), got.String())
	}
}

func TestForms_TheSameImageGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	for form := range forms {
		for name, subject := range subjects {
			first := document(t, form, subject())
			require.Equal(t, first, document(t, form, subject()), name)
		}
		other := tide()
		other.Image.Digest = digest("d")
		id := regexp.MustCompile(`urn:uuid:[0-9a-f-]{36}`)
		require.NotEqual(t, id.Find(document(t, form, tide())), id.Find(document(t, form, other)))
	}
}

func TestForms_RefuseAnImageThatNobodyLookedInto(t *testing.T) {
	t.Parallel()
	for _, form := range forms {
		_, err := form(sbom.Subject{Plan: plan.Image{Name: "tide"}})
		require.EqualError(t, err, "listing what is in tide: nobody looked into it")
	}
}

func TestCycloneDX_KeepsToItsSchema(t *testing.T) {
	t.Parallel()
	c := jsonschema.NewCompiler()
	for _, name := range []string{"bom-1.6", "spdx", "jsf-0.82"} {
		text, err := os.ReadFile(filepath.Join("testdata", name+".schema.json"))
		require.NoError(t, err)
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		require.NoError(t, err)
		require.NoError(t, c.AddResource("http://cyclonedx.org/schema/"+name+".schema.json", doc))
	}
	schema, err := c.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	require.NoError(t, err)
	for name, subject := range subjects {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(document(t, "cyclonedx", subject())))
		require.NoError(t, err)
		require.NoError(t, schema.Validate(doc), name)
	}
}

func TestCycloneDX_EveryReferenceLeadsToOneComponent(t *testing.T) {
	t.Parallel()
	for name, subject := range subjects {
		var doc struct {
			Metadata struct {
				Component struct {
					Ref string `json:"bom-ref"`
				} `json:"component"`
			} `json:"metadata"`
			Components []struct {
				Ref string `json:"bom-ref"`
			} `json:"components"`
			Dependencies []struct {
				Ref string   `json:"ref"`
				On  []string `json:"dependsOn"`
			} `json:"dependencies"`
			Compositions []struct{ Assemblies, Dependencies []string } `json:"compositions"`
		}
		require.NoError(t, json.Unmarshal(document(t, "cyclonedx", subject()), &doc))
		seen := map[string]bool{doc.Metadata.Component.Ref: true}
		for _, c := range doc.Components {
			require.False(t, seen[c.Ref], "%s: %q is there twice", name, c.Ref)
			seen[c.Ref] = true
		}
		require.Len(t, doc.Dependencies, len(seen))
		for _, d := range doc.Dependencies {
			for _, ref := range append(d.On, d.Ref) {
				require.True(t, seen[ref], "%s: %q leads nowhere", name, ref)
			}
		}
		for _, c := range doc.Compositions {
			for _, ref := range append(c.Assemblies, c.Dependencies...) {
				require.True(t, seen[ref], "%s: %q leads nowhere", name, ref)
			}
		}
	}
}

// SPDX's own schema may not be copied here; these are its rules for what is written.
func TestSPDX_KeepsToTheSpecification(t *testing.T) {
	t.Parallel()
	id := regexp.MustCompile(`^SPDXRef-[A-Za-z0-9.-]+$`)
	for name, subject := range subjects {
		text := document(t, "spdx", subject())
		var doc struct {
			Version     string `json:"spdxVersion"`
			DataLicense string `json:"dataLicense"`
			ID          string `json:"SPDXID"`
			Name        string `json:"name"`
			Namespace   string `json:"documentNamespace"`
			Creation    struct {
				Created  string   `json:"created"`
				Creators []string `json:"creators"`
			} `json:"creationInfo"`
			Packages []struct {
				Name, VersionInfo, DownloadLocation string
				FilesAnalyzed                       bool
				LicenseConcluded, LicenseDeclared   string
				CopyrightText, Comment              string
				SPDXID, PrimaryPackagePurpose       string
				Checksums                           []struct{ Algorithm, ChecksumValue string }
				ExternalRefs                        []struct{ ReferenceCategory, ReferenceType, ReferenceLocator string }
			}
			Relationships []struct{ SPDXElementID, RelationshipType, RelatedSPDXElement string }
		}
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.DisallowUnknownFields()
		require.NoError(t, dec.Decode(&doc))
		require.Equal(t, []string{"SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT"}, []string{doc.Version, doc.DataLicense, doc.ID})
		require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`, doc.Creation.Created)
		require.Regexp(t, `^Tool: slipway-\S+$`, doc.Creation.Creators[0])
		require.NotContains(t, doc.Namespace, "#")
		seen := map[string]bool{doc.ID: true}
		for _, p := range doc.Packages {
			require.Regexp(t, id, p.SPDXID)
			require.False(t, seen[p.SPDXID], "%s: %s is there twice", name, p.SPDXID)
			seen[p.SPDXID] = true
			require.NotEmpty(t, p.Name)
			require.Equal(t, "NOASSERTION", p.DownloadLocation)
			require.Contains(t, []string{"CONTAINER", "OPERATING_SYSTEM", "APPLICATION", "LIBRARY", "FILE"}, p.PrimaryPackagePurpose)
			for _, sum := range p.Checksums {
				require.Equal(t, "SHA256", sum.Algorithm)
				require.Regexp(t, `^[0-9a-f]{64}$`, sum.ChecksumValue)
			}
			for _, ref := range p.ExternalRefs {
				require.Contains(t, []string{"PACKAGE-MANAGER purl", "SECURITY cpe23Type", "OTHER go-h1"}, ref.ReferenceCategory+" "+ref.ReferenceType)
			}
		}
		for _, r := range doc.Relationships {
			require.Contains(t, []string{"DESCRIBES", "DESCENDANT_OF", "CONTAINS", "DEPENDS_ON"}, r.RelationshipType)
			require.True(t, seen[r.SPDXElementID] && seen[r.RelatedSPDXElement], "%s: %v leads nowhere", name, r)
		}
	}
}
