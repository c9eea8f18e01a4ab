// Slipway takes a Go service's source folder and launches a container: static,
// distroless, nonroot, with one digest wherever it was built.
//
//	dagger call build --src . as-service up
//	dagger call image --src . export --path image.tar
//
// It runs the pipeline of the command slipway on the engine that it is called on and
// builds the same bytes. What it is not told it takes from the source: go.mod,
// .slipway.yaml, the FROM lines of a marked Dockerfile and the git commit.
package main

import (
	"fmt"
	"strings"

	"example.com/slipway/ci/module/internal/dagger"
)

// Slipway builds one source.
type Slipway struct {
	// +private
	Src *dagger.Directory
	// +private
	Dir string
	// Platforms are kept apart from Flags: some functions build for one of them.
	// +private
	Platforms []string
	// Flags are all other settings, as the command slipway takes them.
	// +private
	Flags []string
	// +private
	GoEnv []string
	// +private
	Netrc *dagger.Secret
	// +private
	DockerConfig *dagger.Secret
}

// New takes what all functions have in common. It is stronger than what the source's
// .slipway.yaml says.
func New(
	// Source to build, with its .git: a folder or a git address such as https://example.com/team/server#v1.2.0, where the tag is the version. The default is the git repository of this module.
	//
	// +defaultPath="/"
	// +ignore=[".slipway"]
	src *dagger.Directory,
	// Folder in the source that has the service's go.mod or go.work. The default is the source itself.
	//
	// +optional
	dir string,
	// Folders of package main to build, such as ./cmd/server. The default is the only one.
	//
	// +optional
	main []string,
	// Platforms to build for, or all that the base has. The default is linux/amd64,linux/arm64.
	//
	// +optional
	platform []string,
	// Image of the Go release that builds, as golang:TAG@sha256:...
	//
	// +optional
	builder string,
	// Image to stand on, as NAME:TAG@sha256:..., or builtin, or scratch.
	//
	// +optional
	base string,
	// Version of the source. The default is its tag, or a Go pseudo-version of its commit.
	//
	// +optional
	version string,
	// Go build tags.
	//
	// +optional
	tags []string,
	// String variables set by the linker, as importpath.name=value.
	//
	// +optional
	set []string,
	// Name of the image. The default is the main's.
	//
	// +optional
	name string,
	// Ports that the program listens on, such as 8080 or 53/udp.
	//
	// +optional
	port []string,
	// Registries to ask for the base in another's place, as gcr.io=10.0.0.7:5000. This machine's loopback address is out of the module's reach.
	//
	// +optional
	mirror []string,
	// Other settings of slipway, as name=value, such as stop-signal=SIGINT or debug=true.
	//
	// +optional
	setting []string,
	// Go settings that say where modules come from, as GOPRIVATE=example.com/team.
	//
	// +optional
	goEnv []string,
	// A .netrc with credentials for private modules, such as file://$HOME/.netrc.
	//
	// +optional
	netrc *dagger.Secret,
	// A docker configuration with credentials for the base's registry, such as file://$HOME/.docker/config.json.
	//
	// +optional
	dockerConfig *dagger.Secret,
) (*Slipway, error) {
	m := &Slipway{Src: src, Dir: dir, Platforms: platform, GoEnv: goEnv, Netrc: netrc, DockerConfig: dockerConfig}
	// In a fixed order: the engine takes other text for another call.
	add := func(flag, value string) {
		if value != "" {
			m.Flags = append(m.Flags, "--"+flag+"="+value)
		}
	}
	list := func(flag string, items []string) {
		for _, item := range items {
			// The command divides at commas; dagger has done so already.
			add(flag, strings.ReplaceAll(item, ",", `\,`))
		}
	}
	list("main", main)
	list("tags", tags)
	list("set", set)
	list("port", port)
	list("mirror", mirror)
	add("builder", builder)
	add("base", base)
	add("version", version)
	add("name", name)
	for _, item := range setting {
		if name, _, ok := strings.Cut(item, "="); !ok || name == "" {
			return nil, fmt.Errorf("--setting: %q is not of the form name=value", item)
		}
		m.Flags = append(m.Flags, "--"+item)
	}
	return m, nil
}
