package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/pins"
)

// ofAny are the differences between an image that Slipway makes and the one of a
// Dockerfile. None is in what a program sees when it runs.
var ofAny = []permit{
	{`index annotation org\.opencontainers\.image\.\w+(\.\w+)?`, "a Dockerfile says nothing about the index"},
	{`\S+ manifest annotation org\.opencontainers\.image\.\w+(\.\w+)?`, "a Dockerfile says nothing about the manifest"},
	{`\S+ config Labels`, "they say what the annotations say, and the Dockerfile has no arguments for it"},
	{`\S+ config history`, "each has its own words for how a layer came about"},
	{`\S+ file app(/\w+)? time`, "a program that is the same has the same layer in Slipway, whatever the commit"},
	{`\S+ layer 1`, "tar headers and compression: what is in it is compared file by file"},
}

// A Dockerfile declares the image that Slipway makes: a real BuildKit makes the same
// one of it, but for what is named in ofAny.
func TestDockerfile_DeclaresTheImageThatSlipwayMakes(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	images := rig.NewStandins(t, "127.0.0.1")
	kit := rig.NewBuildKit(t, images.Address)
	t.Run("of this repository", func(t *testing.T) {
		src := filepath.Join(t.TempDir(), "slipway")
		checkout(t, src)
		ours, theirs := bothWays(t, kit, images, src, "linux/amd64,linux/arm64")
		for _, platform := range []string{"linux/amd64", "linux/arm64"} {
			require.Contains(t, ours, platform+" file app/server sha256")
		}
		requirePermitted(t, ours.differences(theirs), ofAny)
	})
	t.Run("of every other service", func(t *testing.T) {
		src := fixture(t)
		// It calls every program service, and does not read what .slipway.yaml says.
		require.NoError(t, os.Rename(filepath.Join(src, "cmd", "tide"), filepath.Join(src, "cmd", "service")))
		require.NoError(t, os.Remove(filepath.Join(src, ".slipway.yaml")))
		text, err := os.ReadFile(filepath.Join(repository(t), "ci", "pins", "Dockerfile"))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(src, "Dockerfile"), text, 0o644))
		ours, theirs := bothWays(t, kit, images, src, "linux/amd64,linux/arm/v7", "build-arg:MAIN=./cmd/service")
		require.Contains(t, ours, "linux/arm/v7 file app/service sha256")
		requirePermitted(t, ours.differences(theirs), ofAny)
	})
}

// bothWays builds a source folder with Slipway and its Dockerfile with BuildKit, after
// it has put the stand-ins' pins into that and committed it.
func bothWays(t *testing.T, kit *rig.BuildKit, images *rig.Standins, src, platforms string, options ...string) (ours, theirs facts) {
	t.Helper()
	pins, err := pins.Read(src)
	require.NoError(t, err)
	require.Equal(t, "Dockerfile", pins.From)
	replace(t, src, pins.Builder.String(), images.Builder)
	replace(t, src, pins.Base.String(), images.Base)
	git(t, src, "add", "--all")
	git(t, src, "commit", "--quiet", "--message=pins")

	out := t.TempDir()
	args := append([]string{"build", "--engine", "local", "--src", src, "--platform", platforms, "--output", out}, images.Mirrors()...)
	digestOf(t, rig.Run(t, "", environment(t, bases(t)), slipway(t), args...))
	found, err := filepath.Glob(filepath.Join(out, "*", "oci-layout"))
	require.NoError(t, err)
	require.Len(t, found, 1)

	oci := filepath.Join(t.TempDir(), "oci")
	args = kit.Args(inBuildStage(t, src), platforms, "type=oci,tar=false,rewrite-timestamp=true,dest="+oci,
		slices.Concat(options, planned(t, src), proxies())...)
	rig.Must(t, "", rig.Environ(), kit.Ctl, args...)
	return factsOf(t, readLayout(t, filepath.Dir(found[0]))), factsOf(t, readLayout(t, oci))
}

// replace changes the Dockerfile of a folder in one place.
func replace(t *testing.T, dir, from, to string) {
	t.Helper()
	file := filepath.Join(dir, "Dockerfile")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(text), from), "%s in the Dockerfile", from)
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(text), from, to, 1)), 0o644))
}

// planned are Slipway's version, commit and time, as arguments of the Dockerfile.
// SOURCE_DATE_EPOCH is one that every Dockerfile has.
func planned(t *testing.T, src string) []string {
	t.Helper()
	var plan struct {
		Images []struct {
			Version, Commit string
			Epoch           int64
		}
	}
	text := rig.Must(t, "", environment(t), slipway(t), "plan", "--json", "--src", src)
	require.NoError(t, json.Unmarshal([]byte(text), &plan))
	require.Len(t, plan.Images, 1)
	image := plan.Images[0]
	return []string{"build-arg:VERSION=" + image.Version, "build-arg:COMMIT=" + image.Commit, fmt.Sprint("build-arg:SOURCE_DATE_EPOCH=", image.Epoch)}
}

// inBuildStage is a copy of a source folder whose Dockerfile has this machine's way to
// modules in the build stage.
func inBuildStage(t *testing.T, src string) string {
	t.Helper()
	modules, err := rig.ServeModules(t.Context())
	require.NoError(t, err)
	t.Cleanup(modules.Stop)
	dir := filepath.Join(t.TempDir(), "source")
	rig.Must(t, "", rig.Environ(), "cp", "-r", src, dir)
	replace(t, dir, "WORKDIR /src\n", "WORKDIR /src\n"+modules.Env)
	return dir
}

// proxies are this machine's HTTP proxies, as the build arguments that every
// Dockerfile has for them.
func proxies() []string {
	var options []string
	for _, kv := range rig.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			options = append(options, "build-arg:"+kv)
		}
	}
	return options
}
