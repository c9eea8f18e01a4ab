package e2e_test

import (
	"crypto/rand"
	"crypto/sha256"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/receipt"
)

// fleet is a monorepo, whose services are built for two platforms, with what the last run
// over it printed and left.
type fleet struct {
	src, out string
	digests  map[string]string
	// files are the sums of what lies in the output folder of each image.
	files map[string]map[string][sha256.Size]byte
	rig.Result
}

// run carries a verb out for every service and returns which of them were compiled.
func (f *fleet) run(t *testing.T, args ...string) (compiled []string) {
	t.Helper()
	f.Result = rig.Run(t, "", environment(t), slipway(t), slices.Concat(args, []string{
		"--src", f.src, "--main", "all", "--platform", "linux/amd64,linux/arm64", "--base", "builtin", "--builder", builder, "--output", f.out, "--verbose",
	})...)
	require.Zero(t, f.Code, "%s", f.Stderr)
	f.digests, f.files = map[string]string{}, map[string]map[string][sha256.Size]byte{}
	for line := range strings.Lines(f.Stdout) {
		name, digest, _ := strings.Cut(strings.TrimSpace(line), " ")
		f.digests[name], f.files[name] = digest, sumsOf(t, filepath.Join(f.out, name))
	}
	require.Len(t, f.digests, rig.Ships)
	units := regexp.MustCompile(`(?m)^build (\S+) linux/(?:amd64|arm64)  (done|cached)  `).FindAllStringSubmatch(f.Stderr, -1)
	require.Len(t, units, 2*rig.Ships)
	for _, m := range units {
		if m[2] == "done" {
			compiled = append(compiled, m[1])
		}
	}
	slices.Sort(compiled)
	both := len(compiled)
	compiled = slices.Compact(compiled)
	require.Len(t, compiled, both/2, "an image is compiled for both platforms or for none")
	return compiled
}

func sumsOf(t *testing.T, dir string) map[string][sha256.Size]byte {
	t.Helper()
	sums := map[string][sha256.Size]byte{}
	require.NoError(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		sums[name] = sha256.Sum256(text)
		return err
	}))
	return sums
}

// edit changes a file of the source.
func (f *fleet) edit(t *testing.T, name, from, to string) {
	t.Helper()
	file := filepath.Join(f.src, name)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(text), from)
	require.NoError(t, os.WriteFile(file, []byte(strings.ReplaceAll(string(text), from, to)), 0o644))
}

// requireOnly wants these images to have changed and no other: neither its digest nor a
// byte of what lies in its folder.
func (f *fleet) requireOnly(t *testing.T, before fleet, changed ...string) {
	t.Helper()
	for i := range rig.Ships {
		name := rig.Ship(i)
		if slices.Contains(changed, name) {
			require.NotEqual(t, before.digests[name], f.digests[name], name)
			continue
		}
		require.Equal(t, before.digests[name], f.digests[name], name)
		require.Equal(t, before.files[name], f.files[name], name)
	}
}

// One run over fifty services: after an edit only those are built whose program has the
// package, wherever its folder is, and the others stay as they are, byte for byte.
func TestMonorepo_BuildsOnlyWhatChanged(t *testing.T) {
	rig.Slow(t)
	files := rig.Monorepo()
	// The cache is kept between runs of the test, in which these programs are new.
	files["internal/all/all.txt"] = rand.Text() + "\n"
	f := fleet{src: write(t, "fleet", files), out: t.TempDir()}
	require.Len(t, f.run(t, "build"), rig.Ships)
	all := f

	require.Empty(t, f.run(t, "build", "--no-record"))
	f.requireOnly(t, all)
	unchanged := f

	f.edit(t, "internal/ship07/ship07.go", "return 7", "return 77")
	require.Equal(t, []string{"ship07"}, f.run(t, "build"))
	f.requireOnly(t, all, "ship07")
	one := f

	f.edit(t, "internal/port03/port.go", `"port 3"`, `"port three"`)
	require.Equal(t, []string{"ship09", "ship10", "ship11"}, f.run(t, "build"))
	f.requireOnly(t, one, "ship09", "ship10", "ship11")
	t.Logf("all: %s, %s of processor time; unchanged: %s, %s; one edit: %s, %s; three: %s, %s", all.Took.Round(time.Second), all.CPU.Round(time.Second),
		unchanged.Took.Round(10*time.Millisecond), unchanged.CPU.Round(10*time.Millisecond), one.Took.Round(10*time.Millisecond), one.CPU.Round(10*time.Millisecond),
		f.Took.Round(10*time.Millisecond), f.CPU.Round(10*time.Millisecond))
	t.Logf("one edit takes %.3f of the time of all, %.3f of its processor time", one.Took.Seconds()/all.Took.Seconds(), one.CPU.Seconds()/all.CPU.Seconds())
	t.Logf("at most %d MB of memory", max(all.Peak, one.Peak, f.Peak)>>20)
	require.Less(t, one.CPU.Seconds()/all.CPU.Seconds(), 0.12)
	require.Less(t, max(all.Peak, one.Peak, f.Peak), int64(200<<20))
	f.requireReceipt(t)
	f.requireCommits(t)
}

// requireCommits wants a commit to change every image, since it is in their labels, and
// only those programs that have variables for it.
func (f *fleet) requireCommits(t *testing.T) {
	t.Helper()
	git(t, f.src, "init", "--quiet", "--initial-branch=main")
	git(t, f.src, "add", "--all")
	git(t, f.src, "commit", "--quiet", "--message=fleet")
	var told []string
	for i := range rig.Ships {
		if rig.SaysVersion(i) {
			told = append(told, rig.Ship(i))
		}
	}
	before := *f
	require.Equal(t, told, f.run(t, "build"))
	for name, digest := range f.digests {
		require.NotEqual(t, before.digests[name], digest, name)
	}
	f.edit(t, "internal/ship30/ship30.go", "return 30", "return 3")
	git(t, f.src, "commit", "--quiet", "--all", "--message=three")
	require.Equal(t, slices.Sorted(slices.Values(append(told, "ship30"))), f.run(t, "build"))
	t.Logf("one edit committed: %s, %s of processor time", f.Took.Round(10*time.Millisecond), f.CPU.Round(10*time.Millisecond))
}

// requireReceipt wants one receipt with every image and the step of every unit: with its
// start, its duration, and whether it was cached.
func (f *fleet) requireReceipt(t *testing.T) {
	t.Helper()
	before := *f
	f.edit(t, "internal/ship20/ship20.go", "return 20", "return 2")
	require.Equal(t, []string{"ship20"}, f.run(t, "check", "--gate", "image"))
	f.requireOnly(t, before, "ship20")
	t.Logf("check of the images: %s, %s of processor time, %d MB", f.Took.Round(10*time.Millisecond), f.CPU.Round(10*time.Millisecond), f.Peak>>20)
	require.Less(t, f.Peak, int64(200<<20))
	r := readReceipt(t, f.out)
	require.Equal(t, receipt.Passed, r.Verdict)
	require.Len(t, r.Images, rig.Ships)
	for _, img := range r.Images {
		require.Equal(t, f.digests[img.Name], img.Digest)
	}
	outcomes := map[string]int{}
	for _, s := range r.Run.Steps {
		if strings.HasPrefix(s.Name, "build ") {
			outcomes[s.Outcome]++
			require.Positive(t, s.After, s.Name)
			require.Equal(t, strings.HasPrefix(s.Name, "build ship20 "), s.Outcome == "done" && s.Took > 0, s.Name)
		}
	}
	require.Equal(t, map[string]int{"done": 2, "cached": 2*rig.Ships - 2}, outcomes)
}
