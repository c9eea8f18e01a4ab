package verify_test

import (
	"crypto"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/attest/provenance"
	"example.com/slipway/ci/attest/sign"
	"example.com/slipway/ci/attest/sign/signtest"
	"example.com/slipway/ci/config"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/image"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/verify"
)

// tampering is something done to what was published, or to what is expected of it.
type tampering struct {
	// before is done before it is pushed, after when it is there, options to what is
	// expected.
	before  func(*testing.T, *world)
	after   func(*testing.T, *world)
	options func(*testing.T, *world, *verify.Options)
	// fails is the one check that fails, and says what it says.
	fails, says string
	// skips are those that cannot judge then, beside the rebuild.
	skips []string
}

// unreadable are the checks that need every byte of the image.
var unreadable = []string{verify.CheckImage, verify.CheckSBOM}

func TestVerify_FailsExactlyWhatIsTamperedWith(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("looks into 45 images")
	}
	for name, tt := range tamperings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := published(t)
			if tt.before != nil {
				tt.before(t, w)
			}
			w.serve(t)
			if tt.after != nil {
				tt.after(t, w)
			}
			o := w.options(t)
			if tt.options != nil {
				tt.options(t, w, &o)
			}
			r, err := w.verify(t, o)
			require.NoError(t, err)
			for _, c := range r.Checks {
				want := finding.Passed
				switch {
				case c.Name == tt.fails:
					want = finding.Failed
					require.Contains(t, c.Summary+strings.Join(c.Detail, "\n"), tt.says)
					require.NotEmpty(t, c.Fix)
				case c.Name == verify.CheckRebuild || slices.Contains(tt.skips, c.Name):
					want = finding.Skipped
				}
				require.Equal(t, want, c.Outcome, "%s\n%s", c.Name, text(t, r))
			}
			require.Equal(t, finding.Failed, r.Verdict)
			require.ErrorContains(t, r.Err(), tt.fails)
		})
	}
}

func tamperings() map[string]tampering {
	all := map[string]tampering{}
	for _, group := range []map[string]tampering{ofBytes(), ofSignatures(), ofProvenance(), ofSBOM()} {
		for name, tt := range group {
			all[name] = tt
		}
	}
	return all
}

// of returns descriptors of the first platform's image.
func (w *world) of(t *testing.T) (manifest, config, layer string) {
	t.Helper()
	m, err := w.index.Images[0].Manifest()
	require.NoError(t, err)
	return w.index.Images[0].Digest.String(), m.Config.Digest.String(), m.Layers[len(m.Layers)-1].Digest.String()
}

// gone answers that something is not there.
func gone(rw http.ResponseWriter, _ *http.Request) {
	rw.WriteHeader(http.StatusNotFound)
	_, _ = io.WriteString(rw, `{"errors":[{"code":"BLOB_UNKNOWN"}]}`)
}

func answering(content []byte) http.HandlerFunc {
	return func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write(content) }
}

// altered answers with one byte changed.
func (w *world) altered(t *testing.T, end string) {
	t.Helper()
	resp, err := http.Get("http://" + w.host + "/v2/team/tide" + end)
	require.NoError(t, err)
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	content[len(content)/2] ^= 1
	w.answer(end, answering(content))
}

func ofBytes() map[string]tampering {
	after := func(change func(*testing.T, *world, string, string, string)) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			t.Helper()
			manifest, config, layer := w.of(t)
			change(t, w, manifest, config, layer)
		}
	}
	return map[string]tampering{
		"a layer's byte": {fails: verify.CheckDigests, says: "came instead of layer", skips: unreadable,
			after: after(func(t *testing.T, w *world, _, _, layer string) { w.altered(t, "/blobs/"+layer) })},
		"a layer is missing": {fails: verify.CheckDigests, says: "a layer is missing", skips: unreadable,
			after: after(func(_ *testing.T, w *world, _, _, layer string) { w.answer("/blobs/"+layer, gone) })},
		"a manifest is missing": {fails: verify.CheckDigests, says: "the manifest for linux/amd64 is missing", skips: unreadable,
			after: after(func(_ *testing.T, w *world, manifest, _, _ string) { w.answer("/manifests/"+manifest, gone) })},
		"a manifest's byte": {fails: verify.CheckDigests, says: "the manifest for linux/amd64 is wrong", skips: unreadable,
			after: after(func(t *testing.T, w *world, manifest, _, _ string) { w.altered(t, "/manifests/"+manifest) })},
		"a configuration is missing": {fails: verify.CheckDigests, says: "the configuration for linux/amd64 is missing", skips: unreadable,
			after: after(func(_ *testing.T, w *world, _, config, _ string) { w.answer("/blobs/"+config, gone) })},
		"a configuration's byte": {fails: verify.CheckDigests, says: "the configuration for linux/amd64 is wrong", skips: unreadable,
			after: after(func(t *testing.T, w *world, _, config, _ string) { w.altered(t, "/blobs/"+config) })},
		"a configuration without end": {fails: verify.CheckDigests, says: "the configuration for linux/amd64 is wrong", skips: unreadable,
			after: after(func(_ *testing.T, w *world, _, config, _ string) {
				w.answer("/blobs/"+config, answering(make([]byte, 9<<20)))
			})},
		"a tag that moves meanwhile": {fails: verify.CheckDigests, says: "was moved to sha256:", after: func(t *testing.T, w *world) {
			first := true
			manifest, _, _ := w.of(t)
			w.answer("/manifests/v1", func(rw http.ResponseWriter, _ *http.Request) {
				digest := w.index.Digest.String()
				if !first {
					digest = manifest
				}
				first = false
				rw.Header().Set("Docker-Content-Digest", digest)
				rw.Header().Set("Content-Length", "100")
			})
		}},
		"a budget": {fails: verify.CheckImage, says: "more than its budget", options: func(_ *testing.T, _ *world, o *verify.Options) { o.Trust.Budget = 1000 }},
	}
}

func ofSignatures() map[string]tampering {
	without := func(change func(*testing.T, *world)) tampering {
		return tampering{fails: verify.CheckSignature, before: func(_ *testing.T, w *world) { w.statements = w.statements[1:] }, after: change}
	}
	says := func(text string, tt tampering) tampering { tt.says = text; return tt }
	return map[string]tampering{
		"no signature": says("nobody whose signature counts signed it; nothing else is attached", without(nil)),
		"a signature by another key": says("signed by somebody else", without(func(t *testing.T, w *world) {
			s, err := sign.Image(w.index.Digest.String())
			require.NoError(t, err)
			w.attach(t, signtest.Key(t), s)
		})),
		"a signature of another image": says("it is about another image", without(func(t *testing.T, w *world) {
			s, err := sign.Image("sha256:" + strings.Repeat("d", 64))
			require.NoError(t, err)
			d, err := w.key.Sign(t.Context(), s, "sha256:"+strings.Repeat("d", 64))
			require.NoError(t, err)
			d.Subject = w.index.Digest.String()
			w.put(t, d)
		})),
		"a signature of one platform only": says("nobody whose signature counts", without(func(t *testing.T, w *world) {
			s, err := sign.Image(w.index.Images[0].Digest.String())
			require.NoError(t, err)
			w.attach(t, w.key, s)
		})),
		"an altered signature": says("it was altered", without(func(t *testing.T, w *world) {
			s, err := sign.Image(w.index.Digest.String())
			require.NoError(t, err)
			d, err := w.key.Sign(t.Context(), s, w.index.Digest.String())
			require.NoError(t, err)
			other, err := attest.New(attest.Signature, map[string]int{"a": 1}, w.index.Digest.String())
			require.NoError(t, err)
			payload, err := other.Encode()
			require.NoError(t, err)
			w.put(t, spliced(t, d, payload))
		})),
		"a statement that nobody signed": says("it is not signed", without(func(t *testing.T, w *world) {
			s, err := sign.Image(w.index.Digest.String())
			require.NoError(t, err)
			content, err := s.Encode()
			require.NoError(t, err)
			w.put(t, attest.Document{Subject: w.index.Digest.String(), MediaType: attest.MediaType, Content: content})
		})),
		"nonsense in a bundle's place": says("no Sigstore bundle", without(func(t *testing.T, w *world) {
			w.put(t, attest.Document{Subject: w.index.Digest.String(), MediaType: attest.BundleMediaType, Content: []byte("{")})
		})),
		"nobody whose word counts": {fails: verify.CheckSignature, says: "nobody said whose signature counts",
			skips:   []string{verify.CheckProvenance, verify.CheckSBOM, verify.CheckScan},
			options: func(_ *testing.T, _ *world, o *verify.Options) { o.Verifier = nil }},
	}
}

// spliced gives a bundle another payload.
func spliced(t *testing.T, d attest.Document, payload []byte) attest.Document {
	t.Helper()
	var bundle map[string]any
	require.NoError(t, json.Unmarshal(d.Content, &bundle))
	bundle["dsseEnvelope"].(map[string]any)["payload"] = payload
	content, err := json.Marshal(bundle)
	require.NoError(t, err)
	d.Content = content
	return d
}

// told changes what the provenance says before it is signed.
func told(change func(*provenance.Provenance)) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		t.Helper()
		p, err := provenance.Parse(w.statements[1])
		require.NoError(t, err)
		change(p)
		text, err := json.Marshal(p)
		require.NoError(t, err)
		w.statements[1].Predicate = text
	}
}

func ofProvenance() map[string]tampering {
	replaced := func(old, with string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			t.Helper()
			before := string(w.statements[1].Predicate)
			w.statements[1].Predicate = json.RawMessage(strings.Replace(before, old, with, 1))
			require.NotEqual(t, before, string(w.statements[1].Predicate))
		}
	}
	all := map[string]tampering{
		"no provenance":     {says: "nobody who counts says how it was built", before: func(_ *testing.T, w *world) { w.statements = slices.Delete(w.statements, 1, 2) }},
		"another plan":      {says: "the image's label says", before: told(func(p *provenance.Provenance) { p.Definition.External.Plan.Config.User = "1:1" })},
		"an unknown field":  {says: "externalParameters", before: replaced(`"externalParameters":{`, `"externalParameters":{"flags":"-toolexec",`)},
		"another type":      {says: "build type", before: replaced(provenance.BuildType, "https://example.com/other")},
		"a key twice":       {says: "is there twice", before: replaced(`"externalParameters":{`, `"externalParameters":{},"externalParameters":{`)},
		"another base":      {says: "it took another base than its plan says", before: told(resource("base", func(r *provenance.Resource) { r.Digest["sha256"] = strings.Repeat("e", 64) }))},
		"another builder's": {says: "it took another builder than its plan says", before: told(resource("builder", func(r *provenance.Resource) { r.Digest = nil }))},
		"another toolchain": {says: "it took another toolchain than its plan says", before: told(resource("toolchain", func(r *provenance.Resource) { r.URI = "pkg:golang/stdlib@v1.0.0" }))},
		"one module more": {says: "it says that it took pkg:golang/example.com/sun@v1.0.0, which is in no program", before: told(func(p *provenance.Provenance) {
			p.Definition.Dependencies = append(p.Definition.Dependencies, provenance.Resource{Name: "sun", URI: "pkg:golang/example.com/sun@v1.0.0"})
		})},
		"about one image less": {says: "it is not about the image for linux/amd64/v3", before: func(_ *testing.T, w *world) { w.statements[1].Subject = w.statements[1].Subject[:2] }},
		"another commit": {says: "it was built from the commit " + strings.Repeat("c0", 20), options: func(_ *testing.T, _ *world, o *verify.Options) {
			o.Trust.Commit = strings.Repeat("d1", 20)
		}},
		"a commit beside the plan": {says: "different commits", before: told(func(p *provenance.Provenance) { p.Definition.External.Source.Commit = strings.Repeat("d1", 20) })},
		"another commit in both": {says: "the image's label says", before: told(func(p *provenance.Provenance) {
			p.Definition.External.Source.Commit, p.Definition.External.Plan.Commit = strings.Repeat("d1", 20), strings.Repeat("d1", 20)
		})},
		"another builder": {says: "it was built by", before: told(func(p *provenance.Provenance) { p.Details.Builder.ID = provenance.Local })},
		"another source": {says: "it was built from https://example.com/evil/tide", before: told(func(p *provenance.Provenance) {
			p.Definition.External.Source.Repository = "https://example.com/evil/tide"
		})},
		"no source": {says: "a repository without an address", before: told(func(p *provenance.Provenance) { p.Definition.External.Source.Repository = "" })},
		"a platform more": {says: "its plan has linux/arm64, and the index does not", before: told(func(p *provenance.Provenance) {
			p.Definition.External.Plan.Platforms = append(p.Definition.External.Plan.Platforms, plan.Platform{OS: "linux", Arch: "arm64"})
		})},
		"that of another image": {says: "it is about another image", before: func(_ *testing.T, w *world) { w.statements = slices.Delete(w.statements, 1, 2) },
			after: func(t *testing.T, w *world) {
				other := newPlan(t)
				other.Config.User = "1:1"
				content, err := program()
				require.NoError(t, err)
				s := said(t, other, assembled(t, other, content))[1]
				d, err := w.key.Sign(t.Context(), s, "sha256:"+s.Subject[0].Digest["sha256"])
				require.NoError(t, err)
				d.Subject = w.index.Digest.String()
				w.put(t, d)
			}},
	}
	for name, tt := range all {
		tt.fails = verify.CheckProvenance
		all[name] = tt
	}
	// The label is in the image: everything else is made for it.
	all["another label"] = tampering{fails: verify.CheckProvenance, says: "the image's label says", before: func(t *testing.T, w *world) {
		relabelled(t, w)
	}}
	return all
}

// relabelled makes the same image with another hash of the plan in its labels.
func relabelled(t *testing.T, w *world) {
	t.Helper()
	idx := mutate.RemoveManifests(w.index.ImageIndex, func(v1.Descriptor) bool { return true })
	made := &image.Index{}
	for _, one := range w.index.Images {
		file, err := one.ConfigFile()
		require.NoError(t, err)
		file = file.DeepCopy()
		file.Config.Labels[image.PlanLabel] = "sha256:" + strings.Repeat("f", 64)
		img, err := mutate.ConfigFile(one.Image, file)
		require.NoError(t, err)
		digest, err := img.Digest()
		require.NoError(t, err)
		p := one.Platform
		idx = mutate.AppendManifests(idx, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: p.OS, Architecture: p.Arch, Variant: p.Variant}}})
		made.Images = append(made.Images, image.Image{Image: img, Platform: p, Digest: digest})
	}
	made.ImageIndex = idx
	digest, err := idx.Digest()
	require.NoError(t, err)
	made.Digest = digest
	w.index, w.statements = made, said(t, w.plan, made)
}

func resource(name string, change func(*provenance.Resource)) func(*provenance.Provenance) {
	return func(p *provenance.Provenance) {
		for i := range p.Definition.Dependencies {
			if p.Definition.Dependencies[i].Name == name {
				change(&p.Definition.Dependencies[i])
			}
		}
	}
}

func ofSBOM() map[string]tampering {
	// In the order of said: a signature, a provenance, then SPDX, CycloneDX and a scan
	// for each platform.
	const spdx, cyclone = 2, 6
	list := func(at int, key string, change func([]any) []any) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			t.Helper()
			var doc map[string]any
			require.NoError(t, json.Unmarshal(w.statements[at].Predicate, &doc))
			doc[key] = change(doc[key].([]any))
			text, err := json.Marshal(doc)
			require.NoError(t, err)
			w.statements[at].Predicate = text
		}
	}
	less := func(all []any) []any {
		return slices.DeleteFunc(all, func(one any) bool { return strings.Contains(fmt.Sprint(one.(map[string]any)["name"]), "moon") })
	}
	more := map[string]any{"name": "example.com/sun", "version": "v1.0.0", "type": "library", "versionInfo": "v1.0.0", "primaryPackagePurpose": "LIBRARY"}
	all := map[string]tampering{
		"no SPDX for one platform":      {says: "SPDX for linux/amd64: there is none", before: func(_ *testing.T, w *world) { w.statements = slices.Delete(w.statements, spdx, spdx+1) }},
		"no CycloneDX for one platform": {says: "CycloneDX for linux/amd64/v3: there is none", before: func(_ *testing.T, w *world) { w.statements = slices.Delete(w.statements, cyclone, cyclone+1) }},
		"SPDX with a module less":       {says: "it does not list what is in the image", before: list(spdx, "packages", less)},
		"SPDX with a module more":       {says: "it lists what is not in the image: example.com/sun@v1.0.0", before: list(spdx, "packages", func(all []any) []any { return append(all, more) })},
		"CycloneDX with a module less":  {says: "it does not list what is in the image", before: list(cyclone, "components", less)},
		"CycloneDX with a module more":  {says: "it lists what is not in the image: example.com/sun@v1.0.0", before: list(cyclone, "components", func(all []any) []any { return append(all, more) })},
		"SPDX of the other platform": {says: "SPDX for linux/amd64: there is none", before: func(_ *testing.T, w *world) {
			w.statements[spdx].Subject = w.statements[spdx+3].Subject
		}},
		"SPDX that is none": {says: "it is none", before: func(_ *testing.T, w *world) { w.statements[spdx].Predicate = json.RawMessage(`{"packages":"none"}`) }},
	}
	for name, tt := range all {
		tt.fails = verify.CheckSBOM
		all[name] = tt
	}
	all["no scan, where one is asked for"] = tampering{fails: verify.CheckScan, says: "there is no scan for linux/amd64",
		before: func(_ *testing.T, w *world) { w.statements = slices.Delete(w.statements, spdx+2, spdx+3) },
		options: func(_ *testing.T, _ *world, o *verify.Options) {
			o.Trust.Require = config.Requirements()
		}}
	return all
}

// An index that is none of images, or too large, leaves nothing to judge but itself.
func TestVerify_RefusesWhatIsNoIndex(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*testing.T, *world)
		says   string
	}{
		"too large": {func(_ *testing.T, w *world) {
			large := answering(make([]byte, 5<<20))
			w.answer("/manifests/"+w.index.Digest.String(), func(rw http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					large(rw, r)
				}
			})
		}, "more than 4194304 bytes"},
		"other bytes": {func(_ *testing.T, w *world) {
			w.answer("/manifests/"+w.index.Digest.String(), answering([]byte("{}")))
		}, "where"},
		"an image that looks like an attestation": {func(t *testing.T, w *world) {
			file, err := w.index.Images[0].ConfigFile()
			require.NoError(t, err)
			file = file.DeepCopy()
			file.Architecture = "arm64"
			img, err := mutate.ConfigFile(w.index.Images[0].Image, file)
			require.NoError(t, err)
			w.add(t, img)
		}, "in the form of an attestation"},
		"an image for another platform": {func(t *testing.T, w *world) { w.add(t, w.index.Images[0].Image) }, "the index says linux/arm64, and the configuration there linux/amd64"},
		"one image": {func(t *testing.T, w *world) {
			ref, err := name.ParseReference(w.host + "/team/tide:v1")
			require.NoError(t, err)
			require.NoError(t, remote.Write(ref, w.index.Images[0].Image))
		}, "no index of platforms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := published(t)
			w.serve(t)
			tt.change(t, w)
			r, err := w.verify(t, w.options(t))
			require.NoError(t, err)
			c, _ := r.Check(verify.CheckDigests)
			require.Equal(t, finding.Failed, c.Outcome)
			require.Contains(t, c.Summary, tt.says)
			require.Error(t, r.Err())
		})
	}
}

// add adds an image to the index under a platform, as if it were an attestation.
func (w *world) add(t *testing.T, img v1.Image) {
	t.Helper()
	idx := mutate.AppendManifests(w.index.ImageIndex, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{
		Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}, Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest"},
	}})
	ref, err := name.ParseReference(w.host + "/team/tide:v1")
	require.NoError(t, err)
	require.NoError(t, remote.WriteIndex(ref, idx))
}

// What BuildKit puts into an index beside images is no image.
func TestVerify_ToleratesWhatIsBesideImages(t *testing.T) {
	t.Parallel()
	w := published(t)
	beside, err := mutate.Config(w.index.Images[0].Image, v1.Config{})
	require.NoError(t, err)
	idx := mutate.AppendManifests(w.index.ImageIndex, mutate.IndexAddendum{Add: beside, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}}})
	w.index.ImageIndex = idx
	w.index.Digest, err = idx.Digest()
	require.NoError(t, err)
	w.statements = said(t, w.plan, w.index)
	w.serve(t)
	r, err := w.verify(t, w.options(t))
	require.NoError(t, err)
	require.NoError(t, r.Err(), text(t, r))
	c, _ := r.Check(verify.CheckDigests)
	require.Contains(t, c.Summary, "1 entries that are no images")
}

// A registry that cannot be had is no verdict.
func TestVerify_HasNoVerdictWithoutTheRegistry(t *testing.T) {
	t.Parallel()
	broken := func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusServiceUnavailable) }
	w := published(t)
	w.serve(t)
	manifest, _, layer := w.of(t)
	for _, end := range []string{"/manifests/v1", "/manifests/" + w.index.Digest.String(), "/manifests/" + manifest, "/referrers/" + manifest} {
		w.answer(end, broken)
		_, err := w.verify(t, w.options(t))
		requireRegistry(t, err)
		w.answer(end, nil)
	}
	w.answer("/blobs/"+layer, func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusForbidden) })
	_, err := w.verify(t, w.options(t))
	requireRegistry(t, err)
	w.answer("/blobs/"+layer, nil)

	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	w.host = strings.TrimPrefix(server.URL, "http://")
	_, err = w.verify(t, w.options(t))
	requireRegistry(t, err)
}

func TestVerify_SaysThatThereIsNoSuchTag(t *testing.T) {
	t.Parallel()
	w := published(t)
	w.serve(t)
	w.answer("/manifests/v1", gone)
	_, err := w.verify(t, w.options(t))
	requireRegistry(t, err)
	require.ErrorContains(t, err, "the repository does not have it")
}

// Somebody may look at an image that nobody signed, and is told what that is worth.
func TestVerify_LooksAtUnsignedImagesWhereSomebodyInsists(t *testing.T) {
	t.Parallel()
	w := published(t)
	statements := w.statements
	w.statements = nil
	w.serve(t)
	for _, s := range statements[1:] {
		content, err := s.Encode()
		require.NoError(t, err)
		w.put(t, attest.Document{Subject: "sha256:" + s.Subject[0].Digest["sha256"], MediaType: attest.MediaType, Content: content})
	}
	o := w.options(t)
	o.Verifier, o.Unsigned = nil, true
	r, err := w.verify(t, o)
	require.NoError(t, err)
	require.NoError(t, r.Err(), text(t, r))
	c, _ := r.Check(verify.CheckSignature)
	require.Equal(t, finding.Skipped, c.Outcome)
	require.Contains(t, c.Summary, "--insecure-unsigned")
	c, _ = r.Check(verify.CheckProvenance)
	require.Contains(t, c.Summary, "(unsigned)")
	require.True(t, r.Unsigned)
}

// A second statement that does not hold takes nothing from one that does.
func TestVerify_PassesOverWhatOthersAttach(t *testing.T) {
	t.Parallel()
	w := published(t)
	w.serve(t)
	for _, s := range w.statements {
		w.attach(t, signtest.Key(t), s)
	}
	other := *w.statements[1]
	other.Predicate = json.RawMessage(`{"buildDefinition":{"buildType":"https://example.com/other"}}`)
	w.attach(t, w.key, &other)
	o := w.options(t)
	o.Verifier = verify.AnyOf{sign.Trust{Keys: []crypto.PublicKey{signtest.Key(t).Public()}}, o.Verifier}
	r, err := w.verify(t, o)
	require.NoError(t, err)
	require.NoError(t, r.Err(), text(t, r))
}

func TestVerify_AsksForWhatThePolicyRequires(t *testing.T) {
	t.Parallel()
	w := published(t)
	w.statements = w.statements[:1]
	w.serve(t)
	o := w.options(t)
	o.Trust.Require = []string{config.RequireSignature}
	r, err := w.verify(t, o)
	require.NoError(t, err)
	require.NoError(t, r.Err(), text(t, r))
	for _, name := range []string{verify.CheckProvenance, verify.CheckSBOM, verify.CheckScan} {
		c, _ := r.Check(name)
		require.Equal(t, finding.Skipped, c.Outcome, name)
	}
}
