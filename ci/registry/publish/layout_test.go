package publish_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/match"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/registry/publish"
	"example.com/slipway/ci/registry/registrytest"
)

func TestLayout_HasTheImageUnderAllTagsAndWhatIsSaidOfIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t, registrytest.Options{Attestations: 3})
	dir := filepath.Join(t.TempDir(), "layout")
	r, err := publish.Layout(dir, f.publication(t, tags()...))
	require.NoError(t, err)
	require.Equal(t, publish.Published, r.State)
	require.Equal(t, "oci:"+dir, r.Repository)
	require.Equal(t, []publish.TagResult{
		{Name: "1.2.3", Outcome: publish.TagCreated}, {Name: "latest", Moving: true, Outcome: publish.TagCreated},
	}, r.Tags)
	path, err := layout.FromPath(dir)
	require.NoError(t, err)
	top, err := path.ImageIndex()
	require.NoError(t, err)
	for _, tag := range []string{"1.2.3", "latest"} {
		found, err := partial.FindIndexes(top, match.Name(tag))
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.NoError(t, validate.Index(found[0]))
	}
	m, err := top.IndexManifest()
	require.NoError(t, err)
	require.Len(t, m.Manifests, 2+3)
	for _, a := range r.Attestations {
		require.Equal(t, "attached", a.Outcome)
		require.FileExists(t, filepath.Join(dir, "blobs", "sha256", a.Digest[len("sha256:"):]))
	}

	before, err := os.ReadFile(filepath.Join(dir, "index.json"))
	require.NoError(t, err)
	r, err = publish.Layout(dir, f.publication(t, tags()...))
	require.NoError(t, err)
	require.Equal(t, publish.Unchanged, r.State)
	require.Equal(t, "present", r.Attestations[0].Outcome)
	after, err := os.ReadFile(filepath.Join(dir, "index.json"))
	require.NoError(t, err)
	require.Equal(t, string(before), string(after))
}

func TestLayout_KeepsWhatIsBeside(t *testing.T) {
	t.Parallel()
	first := newFixture(t, registrytest.Options{Attestations: 1})
	dir := filepath.Join(t.TempDir(), "layout")
	_, err := publish.Layout(dir, first.publication(t, tags()...))
	require.NoError(t, err)
	second := newFixture(t, registrytest.Options{Attestations: 1})
	_, err = publish.Layout(dir, second.publication(t, tags()...))
	require.Equal(t, fault.Registry, fault.KindOf(err), "the tag of a version stays")
	require.ErrorContains(t, err, first.digest)
	r, err := publish.Layout(dir, second.publication(t, publish.Tag{Name: "1.2.4"}, publish.Tag{Name: "latest", Moving: true}))
	require.NoError(t, err)
	require.Equal(t, []publish.TagResult{
		{Name: "1.2.4", Outcome: publish.TagCreated}, {Name: "latest", Moving: true, Before: first.digest, Outcome: publish.TagMoved},
	}, r.Tags)
	path, err := layout.FromPath(dir)
	require.NoError(t, err)
	top, err := path.ImageIndex()
	require.NoError(t, err)
	kept, err := partial.FindIndexes(top, match.Name("1.2.3"))
	require.NoError(t, err)
	require.Len(t, kept, 1)
	require.NoError(t, validate.Index(kept[0]))
}

func TestLayout_IsNotMadeWhereSomethingElseIs(t *testing.T) {
	t.Parallel()
	f := newFixture(t, registrytest.Options{})
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, []byte("x"), 0o600))
	_, err := publish.Layout(file, f.publication(t, tags()...))
	require.ErrorContains(t, err, file)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "x", string(text))
}

// Of two that publish another image under one version at once, one waits for the other
// and is told that the version is there.
func TestLayout_IsWrittenByOneAtATime(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "layout")
	first, second := newFixture(t, registrytest.Options{Attestations: 1}), newFixture(t, registrytest.Options{})
	within, ended := make(chan struct{}), make(chan error, 1)
	slow := first.publication(t, tags()...)
	document := slow.Attachments[0].Document
	slow.Attachments[0].Document = func() (attest.Document, error) {
		close(within)
		select {
		case err := <-ended:
			ended <- err
		case <-time.After(300 * time.Millisecond):
		}
		return document()
	}
	fast := second.publication(t, tags()...)
	go func() {
		<-within
		_, err := publish.Layout(dir, fast)
		ended <- err
	}()
	_, err := publish.Layout(dir, slow)
	require.NoError(t, err)
	require.ErrorContains(t, <-ended, "a version is published once")
}

func TestPlanLayout_SaysWhatIsMissingAndWritesNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, registrytest.Options{Attestations: 1})
	dir := filepath.Join(t.TempDir(), "layout")
	actions := func(dir string, p publish.Publication) string {
		steps, r, err := publish.PlanLayout(dir, p)
		require.NoError(t, err)
		require.Equal(t, publish.Planned, r.State)
		var all []string
		for _, s := range steps {
			all = append(all, s.Action+" "+s.Object)
		}
		return strings.Join(all, ", ")
	}
	everything := "push " + f.digest + ", attach " + attest.Signature + " to " + f.digest + ", create 1.2.3, create latest"
	require.Equal(t, everything, actions("", f.publication(t, tags()...)))
	require.Equal(t, everything, actions(dir, f.publication(t, tags()...)))
	require.NoDirExists(t, dir)
	_, err := publish.Layout(dir, f.publication(t, tags()...))
	require.NoError(t, err)
	require.Empty(t, actions(dir, f.publication(t, tags()...)))

	other := newFixture(t, registrytest.Options{})
	require.Equal(t, "push "+other.digest+", create 1.2.4, move latest",
		actions(dir, other.publication(t, publish.Tag{Name: "1.2.4"}, publish.Tag{Name: "latest", Moving: true})))
	_, _, err = publish.PlanLayout(dir, other.publication(t, tags()...))
	require.Equal(t, fault.Registry, fault.KindOf(err), "%v", err)
}
