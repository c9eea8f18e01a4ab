package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

// sayer tells what it finds around it, and which capabilities it has.
const sayer = `package main

import (
	"fmt"
	"os"
	"strings"

	"example.com/tide/place"
)

func main() {
	dir, _ := os.Getwd()
	page, _ := os.ReadFile("/srv/web/index.html")
	fmt.Println(dir, os.Getenv("TIDE"), strings.Join(os.Args[1:], " "), strings.TrimSpace(string(page)), place.Name)
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "CapEff:") {
			fmt.Print(line)
		}
	}
}
`

// What a user says of an image holds when a real runtime starts it: its folder,
// environment, arguments and files, a variable outside main, a file capability.
func TestRun_HoldsWhatTheUserSaid(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	src := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.com/tide\n\ngo 1.25.0\n", "main.go": sayer,
		"place/place.go": "// Package place has a name.\npackage place\n\n// Name is set by the linker.\nvar Name string\n",
		"web/index.html": "high water\n",
		".slipway.yaml":  "workdir: /srv/web\nenv: {TIDE: low}\nargs: [one, two]\nfiles: {/srv/web: ./web}\nset: {example.com/tide/place.Name: harbour}\n",
	} {
		file := filepath.Join(src, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	// Unlike podman, docker gives capabilities to another user than root only where a
	// file has them.
	net, env := rig.Docker(t)
	run := func(args ...string) rig.Result {
		archive := filepath.Join(t.TempDir(), "tide.tar")
		build := append([]string{"build", "--src", src, "--base", "builtin", "--builder", builder, "--output", t.TempDir(), "--tarball", archive}, args...)
		digestOf(t, rig.Run(t, "", environment(t), slipway(t), build...))
		_, image, _ := strings.Cut(net.Must(t, "", env, "docker", "load", "--input", archive), "Loaded image: ")
		return net.Run(t, "", env, "docker", "run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL", "--cap-add=NET_BIND_SERVICE", strings.TrimSpace(image))
	}
	without := run()
	require.Contains(t, without.Stdout, "/srv/web low one two high water harbour\n")
	require.Contains(t, without.Stdout, "CapEff:\t0000000000000000")
	with := run("--capability", "cap_net_bind_service")
	require.Contains(t, with.Stdout, "CapEff:\t0000000000000400", "cap_net_bind_service is number 10: %s", with.Stderr)
}
