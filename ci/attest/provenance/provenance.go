// Package provenance says how an image was built, as SLSA's provenance: of which
// source, by which plan, from what, by whom. ci/verify reads it again and rebuilds from it.
// https://slsa.dev/spec/v1.2/build-provenance
//
// Nothing of the environment is copied: what is in it is named here field by field.
package provenance

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/attest/purl"
	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/receipt"
)

// BuildType says what the parameters of a build mean. docs/provenance.md explains each.
const BuildType = "https://example.com/slipway/build/v1"

// Name is what people call provenance that nobody signed: anybody could have written it.
const Name = "build record (SLSA L1, unsigned)"

// Provenance is the predicate.
type Provenance struct {
	Definition Definition `json:"buildDefinition"`
	Details    Details    `json:"runDetails"`
}

// Definition is what was built.
type Definition struct {
	BuildType string   `json:"buildType"`
	External  External `json:"externalParameters"`
	Internal  Internal `json:"internalParameters"`
	// Dependencies are what the build took, each with its digest.
	Dependencies []Resource `json:"resolvedDependencies,omitempty"`
}

// External is what whoever started the build said. A verifier checks all of it.
type External struct {
	Source Source `json:"source"`
	// Plan is the image's plan as it is: the image is built again from it.
	Plan plan.Image `json:"plan"`
}

// Source is where the source is from.
type Source struct {
	// Repository is a URL without credentials, or empty where git has no remote.
	Repository string `json:"repository,omitempty"`
	// Commit is the full commit id, or empty where the source is not in git.
	Commit string `json:"commit,omitempty"`
	// Dirty says that the source differed from the commit.
	Dirty bool `json:"dirty,omitempty"`
}

// Internal is what the builder decided. It does not change a byte of the image.
type Internal struct {
	Engine string `json:"engine"`
}

// Resource is a thing with its digests, by algorithm, in hexadecimal.
// https://github.com/in-toto/attestation/blob/main/spec/v1/resource_descriptor.md
type Resource struct {
	Name        string            `json:"name,omitempty"`
	URI         string            `json:"uri,omitempty"`
	Digest      map[string]string `json:"digest,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Details is one run of the build.
type Details struct {
	Builder  Builder  `json:"builder"`
	Metadata Metadata `json:"metadata"`
}

// Builder is who ran it, whom a verifier has to trust.
type Builder struct {
	ID string `json:"id"`
	// Version has the versions of its parts by name.
	Version map[string]string `json:"version,omitempty"`
}

// Metadata is when it ran.
type Metadata struct {
	Invocation string     `json:"invocationId,omitempty"`
	Started    *time.Time `json:"startedOn,omitempty"`
	Finished   *time.Time `json:"finishedOn,omitempty"`
}

// New says how an image of a receipt was built. Its subjects are the index and the
// images of all platforms. The remote is git's, of any form.
func New(r *receipt.Receipt, image receipt.Image, remote string, by Runner) (*attest.Statement, error) {
	source := Source{Repository: Repository(remote), Commit: image.Plan.Commit, Dirty: image.Plan.Dirty}
	started, finished := r.Run.Started.UTC(), r.Run.Ended.UTC()
	return attest.New(attest.Provenance, Provenance{
		Definition: Definition{
			BuildType: BuildType, External: External{source, image.Plan}, Internal: Internal{r.Run.Engine},
			Dependencies: dependencies(source, image),
		},
		Details: Details{
			Builder:  Builder{ID: by.ID, Version: map[string]string{"slipway": cmp.Or(r.Slipway, "unknown")}},
			Metadata: Metadata{by.Invocation, &started, &finished},
		},
	}, Subjects(image)...)
}

// Subjects are the digests of an index and of its images.
func Subjects(image receipt.Image) []string {
	all := []string{image.Digest}
	if image.Inspection != nil {
		for _, i := range image.Inspection.Images {
			all = append(all, i.Digest)
		}
	}
	return slices.DeleteFunc(all, func(digest string) bool { return digest == "" })
}

func dependencies(source Source, image receipt.Image) []Resource {
	var all []Resource
	if source.Commit != "" {
		r := Resource{Name: "source", Digest: map[string]string{"gitCommit": source.Commit}}
		if source.Repository != "" {
			r.URI = "git+" + source.Repository
		}
		if source.Dirty {
			r.Annotations = map[string]string{"dirty": "the source differed from the commit"}
		}
		all = append(all, r)
	}
	all = append(all, pinned("base", image.Plan.Base)...)
	all = append(all, pinned("builder", image.Plan.Builder)...)
	all = append(all, Resource{Name: "toolchain", URI: purl.Stdlib(image.Plan.Toolchain)})
	return append(all, modules(image.Inspection)...)
}

func pinned(name string, pin plan.Pin) []Resource {
	if pin.Digest == "" {
		return nil
	}
	return []Resource{{Name: name, URI: purl.Image(pin.Name, pin.Digest, ""), Digest: digestOf(pin.Digest)}}
}

func digestOf(digest string) map[string]string {
	algorithm, hex, found := strings.Cut(digest, ":")
	if !found {
		return nil
	}
	return map[string]string{algorithm: hex}
}

// modules are those of all programs on all platforms, each once.
func modules(report *inspect.Report) []Resource {
	if report == nil {
		return nil
	}
	type key struct{ path, version, sum string }
	seen := map[key]bool{}
	for _, image := range report.Images {
		for _, p := range image.Programs {
			if p.Go == nil {
				continue
			}
			for _, d := range p.Go.Dependencies {
				seen[key{d.Path, d.Version, d.Sum}] = d.Version != ""
			}
		}
	}
	var all []Resource
	for k, released := range seen {
		if released {
			all = append(all, Resource{Name: k.path, URI: purl.Go(k.path, k.version), Digest: dirHash(k.sum)})
		}
	}
	slices.SortFunc(all, func(a, b Resource) int {
		return cmp.Or(strings.Compare(a.URI, b.URI), strings.Compare(a.Name, b.Name), strings.Compare(a.Digest["dirHash"], b.Digest["dirHash"]))
	})
	return all
}

// dirHash is a checksum of go.sum as in-toto has it.
// https://github.com/in-toto/attestation/blob/main/spec/v1/digest_set.md
func dirHash(sum string) map[string]string {
	text, h1 := strings.CutPrefix(sum, "h1:")
	raw, err := base64.StdEncoding.DecodeString(text)
	if !h1 || err != nil {
		return nil
	}
	return map[string]string{"dirHash": hex.EncodeToString(raw)}
}
