package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/receipt"
)

// releases are folders of the tide service, by version, as CI checks them out: two
// releases, a candidate for a third, and a late correction of the first.
func releases(t *testing.T) map[string]string {
	t.Helper()
	dir := fixture(t)
	commit := func(version, hour string) {
		put(t, dir, "table/table.go", strings.Replace(tree["table/table.go"], "06:12", hour, 1))
		git(t, dir, "commit", "--quiet", "--all", "--message="+version)
		git(t, dir, "tag", version)
	}
	commit("v1.5.0", "06:13")
	commit("v1.6.0-rc.1", "06:14")
	git(t, dir, "checkout", "--quiet", "-b", "correction", "v1.4.0")
	commit("v1.4.1", "06:15")
	folders := map[string]string{}
	for _, version := range []string{"v1.4.0", "v1.5.0", "v1.6.0-rc.1", "v1.4.1"} {
		folders[version] = filepath.Join(t.TempDir(), "tide")
		git(t, dir, "clone", "--quiet", "--branch", version, dir, folders[version])
	}
	return folders
}

// published is what one run of publish did.
type published struct {
	rig.Result
	// out is its output folder.
	out string
}

// publish runs publish for two platforms, to the repository of that name unless the
// arguments have another target. One gate is enough: what passes it is the same.
func (h *harborage) publish(t *testing.T, repository, src string, args ...string) published {
	t.Helper()
	out := t.TempDir()
	r := rig.Run(t, "", environment(t, h.env...), slipway(t), publishArgs(src, out, h.repository(repository), args...)...)
	h.requireNoSecrets(t, r, out)
	return published{r, out}
}

// publishArgs are the arguments of publish. Of some, the given ones count.
func publishArgs(src, out, target string, args ...string) []string {
	call := []string{"publish", "--engine", "local", "--src", src, "--output", out, "--builder", builder,
		"--platform", "linux/amd64,linux/arm64", "--gate", "image", "--sign", "off"}
	for _, pair := range [][]string{{"--base", "builtin"}, {"--target", target}} {
		if !slices.Contains(args, pair[0]) {
			call = append(call, pair...)
		}
	}
	return append(call, args...)
}

// requireNoSecrets wants no password and no token in anything that a run said or left.
func (h *harborage) requireNoSecrets(t *testing.T, r rig.Result, out string) {
	t.Helper()
	secrets := []string{rig.Writer.Password, rig.Writer.Basic(), rig.Reader.Password, rig.Reader.Basic()}
	if h.Tokens != nil {
		secrets = append(secrets, h.Tokens.Issued()...)
	}
	texts := []string{r.Stdout, r.Stderr}
	require.NoError(t, filepath.WalkDir(out, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			var text []byte
			text, err = os.ReadFile(path)
			texts = append(texts, string(text))
		}
		return err
	}))
	for _, text := range texts {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				require.FailNow(t, "a secret is in what publish said or left")
			}
		}
	}
}

// digest is that of the only reference that a successful run printed.
func (p published) digest(t *testing.T, repository string) string {
	t.Helper()
	require.Zero(t, p.Code, "%s", p.Stderr)
	digest, found := strings.CutPrefix(strings.TrimSpace(p.Stdout), repository+"@")
	require.True(t, found, "%s", p.Stdout)
	require.Regexp(t, `^sha256:[0-9a-f]{64}$`, digest)
	return digest
}

// requireRefused wants exit code 30 and one sentence in which all the words are.
func (p published) requireRefused(t *testing.T, words ...string) {
	t.Helper()
	require.Equal(t, 30, p.Code, "%s", p.Stderr)
	said := sentence(t, p.Result)
	for _, word := range words {
		require.Contains(t, said, word)
	}
}

// writes are what changed the registry since it was last asked.
func (h *harborage) writes() []rig.Request {
	if h.Proxy == nil {
		return nil
	}
	return slices.DeleteFunc(h.Proxy.Take(), func(r rig.Request) bool { return !r.Kind.Writes() })
}

// A release comes to every kind of registry whole, and from there to stock tools. What
// is there is not sent again, and tags that follow releases follow the highest.
func TestPublish_ToEveryRegistry(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	src := releases(t)
	for _, k := range registryKinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			h := k.open(t)
			repository := h.repository("tide")
			var rules []string
			if k.immutable {
				rules = []string{"--image-tag", "type=semver,pattern={{version}}"}
			}
			publish := func(version string, args ...string) published {
				return h.publish(t, "tide", src[version], slices.Concat(rules, args)...)
			}
			first := publish("v1.4.0")
			digest := first.digest(t, repository)
			h.requireTags(t, map[string]string{"1.4.0": digest, "1.4": digest, "1": digest, "latest": digest})
			h.writes()
			h.requireUnchanged(t, publish("v1.4.0"), first)
			h.requireKept(t, publish, digest)
			if !k.immutable {
				h.requireMoving(t, publish, digest)
			}
			h.requireCopies(t, repository+"@"+digest, attest.MediaType)
		})
	}
}

// requireTags wants those tags and no others, each complete and with all that is said
// of an image. On a registry whose tags do not move there are those of versions only.
func (h *harborage) requireTags(t *testing.T, want map[string]string) {
	t.Helper()
	if h.immutable {
		for tag := range want {
			if strings.Count(tag, ".") < 2 {
				delete(want, tag)
			}
		}
	}
	got := h.requireComplete(t, h.repository("tide"))
	require.Equal(t, want, got.tags)
	for tag, said := range got.said {
		require.Subset(t, said, []string{attest.SPDX, attest.CycloneDX, attest.Provenance}, tag)
	}
}

// requireUnchanged wants a second run to have said the same and sent nothing.
func (h *harborage) requireUnchanged(t *testing.T, again, first published) {
	t.Helper()
	require.Zero(t, again.Code, again.Stderr)
	require.Equal(t, first.Stdout, again.Stdout)
	require.Empty(t, h.writes())
	for _, p := range readReceipt(t, again.out).Run.Publications {
		require.Equal(t, receipt.Unchanged, p.State)
		require.Zero(t, p.Uploaded)
		for _, a := range p.Attestations {
			require.Equal(t, "present", a.Outcome)
		}
	}
}

// requireKept wants the tag of a version to stay with its image.
func (h *harborage) requireKept(t *testing.T, publish func(string, ...string) published, digest string) {
	t.Helper()
	publish("v1.4.0", "--label", "com.example.team=pirates").requireRefused(t, h.repository("tide"), "1.4.0", digest)
	require.Empty(t, h.writes(), "refused before anything is sent")
	require.Equal(t, digest, h.requireComplete(t, h.repository("tide")).tags["1.4.0"])
}

// requireMoving wants tags that follow releases to follow the highest, and with
// --overwrite also the tag of a version to move.
func (h *harborage) requireMoving(t *testing.T, publish func(string, ...string) published, first string) {
	t.Helper()
	repository := h.repository("tide")
	second := publish("v1.5.0").digest(t, repository)
	require.NotEqual(t, first, second)
	tags := map[string]string{"1.4.0": first, "1.4": first, "1.5.0": second, "1.5": second, "1": second, "latest": second}
	h.requireTags(t, tags)

	tags["1.6.0-rc.1"] = publish("v1.6.0-rc.1").digest(t, repository)
	h.requireTags(t, tags)

	corrected := publish("v1.4.1").digest(t, repository)
	tags["1.4.1"], tags["1.4"] = corrected, corrected
	h.requireTags(t, tags)

	other := publish("v1.4.0", "--label", "com.example.team=pirates", "--overwrite").digest(t, repository)
	require.NotEqual(t, first, other)
	tags["1.4.0"] = other
	h.requireTags(t, tags)
}

// All registries have everything before the first tag moves anywhere.
func TestPublish_ToSeveralRegistries(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	src := fixture(t)
	one, two := kindOf(t, "docker-registry").open(t), kindOf(t, "docker-registry").open(t)
	repositories := []string{one.repository("tide"), two.repository("sea/tide")}
	targets := []string{"--target", repositories[0], "--target", repositories[1]}
	two.Proxy.Between(rig.Refusing(rig.ManifestPut))
	p := one.publish(t, "", src, targets...)
	require.Equal(t, 30, p.Code, p.Stderr)
	require.Contains(t, p.Stderr, repositories[1])
	for _, h := range []*harborage{one, two} {
		for _, r := range h.Proxy.Take() {
			require.False(t, r.Kind == rig.TagPut && !fallback.MatchString(r.Reference), "%+v", r)
		}
	}
	two.Proxy.Between(nil)
	p = one.publish(t, "", src, targets...)
	require.Zero(t, p.Code, p.Stderr)
	lines := strings.Fields(p.Stdout)
	require.Len(t, lines, 2)
	_, digest, _ := strings.Cut(lines[0], "@")
	require.Equal(t, []string{repositories[0] + "@" + digest, repositories[1] + "@" + digest}, lines)
	require.Equal(t, digest, one.requireComplete(t, repositories[0]).tags["latest"])
	require.Equal(t, digest, two.requireComplete(t, repositories[1]).tags["latest"])
}

// What was pushed is said in every form alike, and what would be pushed too.
func TestPublish_SaysWhatItPushed(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	h, src := kindOf(t, "docker-registry").open(t), fixture(t)
	repository := h.repository("tide")
	dry := h.publish(t, "tide", src, "--dry-run")
	require.Zero(t, dry.Code, dry.Stderr)
	require.Empty(t, h.writes())
	require.Contains(t, dry.Stdout+dry.Stderr, repository)
	require.Regexp(t, `\b1\.4\.0\b`, dry.Stdout+dry.Stderr)

	file := filepath.Join(t.TempDir(), "refs.txt")
	p := h.publish(t, "tide", src, "--image-refs", file)
	digest := p.digest(t, repository)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, p.Stdout, string(text))

	var object any
	again := h.publish(t, "tide", src, "--json")
	require.Zero(t, again.Code, again.Stderr)
	require.NoError(t, json.Unmarshal([]byte(again.Stdout), &object))
	require.Contains(t, again.Stdout, digest)

	got := readReceipt(t, again.out)
	require.Equal(t, receipt.Passed, got.Verdict)
	require.Len(t, got.Run.Publications, 1)
	require.Equal(t, repository, got.Run.Publications[0].Repository)
	require.Equal(t, digest, got.Run.Publications[0].Digest)
}
