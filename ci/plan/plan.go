// Package plan holds the two halves of what a run is going to do. The image plan
// decides the bytes of an image and nothing else does; the run plan says what is
// done with them. Both are plain values: ci/config makes them, everything else
// reads them.
package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"
)

// Image decides the bytes of one image. What is not in here, in the binaries that
// follow from it, or in the base that it pins, must not be in the image.
type Image struct {
	// Name is the image's short name: that of its first main.
	Name string `json:"name"`
	// Title, Description, Source, URL and Licenses become OCI annotations of the same name.
	Title       string `json:"title"`
	Description string `json:"description,omitempty"`
	Source      string `json:"source,omitempty"`
	URL         string `json:"url,omitempty"`
	Licenses    string `json:"licenses,omitempty"`

	// Module is the path of the main module.
	Module string `json:"module"`
	// Version is a semantic version with its v, or "" where nothing tells one.
	Version string `json:"version,omitempty"`
	// Commit is the full commit id, or "".
	Commit string `json:"commit,omitempty"`
	// Dirty says that a file of the source set differs from the commit.
	Dirty bool `json:"dirty,omitempty"`
	// Epoch is the time of the image and of the files that are added to it beside the
	// programs, in seconds since 1970.
	Epoch int64 `json:"epoch"`

	// Toolchain is the Go release that builds, for example go1.26.9.
	Toolchain string `json:"toolchain"`
	Builder   Pin    `json:"builder"`
	Base      Pin    `json:"base"`
	// Certs adds the embedded CA bundle and zoneinfo as a layer of its own.
	Certs bool   `json:"certs,omitempty"`
	Mains []Main `json:"mains"`
	Build Build  `json:"build"`
	// Files are added beside the programs, sorted by path.
	Files []File `json:"files,omitempty"`
	// Capabilities of the first main's file, in the words of capabilities(7).
	Capabilities []string `json:"capabilities,omitempty"`
	// Compression of our layers is zstd, or empty for gzip. The base's stay as they are.
	Compression string `json:"compression,omitempty"`
	// Config is laid over the base's own configuration.
	Config Config `json:"config"`
	// Platforms are sorted and normal.
	Platforms []Platform `json:"platforms"`
	// Sources is the hash of the source set of each platform.
	Sources map[string]string `json:"sources,omitempty"`
}

// Main is one binary: a folder with package main.
type Main struct {
	// Dir is the folder relative to the source folder, "." or "./cmd/server".
	Dir string `json:"dir"`
	// Package is its import path.
	Package string `json:"package"`
	// Name is the binary's name, the one that go build gives it.
	Name string `json:"name"`
}

// Build is what the compiler and the linker are told beyond the contract's flags.
type Build struct {
	// Tags are build constraints.
	Tags []string `json:"tags,omitempty"`
	// Vars are the linker's -X settings, sorted by name.
	Vars []Var `json:"vars,omitempty"`
	// Strip is full (no symbols, no DWARF), dwarf (no DWARF) or none.
	Strip string `json:"strip"`
	// Debug turns optimisation and inlining off.
	Debug bool `json:"debug,omitempty"`
}

// File is one file, folder or link that a user added to the image.
type File struct {
	// Path is where it lies in the image, without a leading slash.
	Path string `json:"path"`
	// Source is where it lies in the source folder, as a slash path.
	Source string `json:"source"`
	// SHA256 is the hexadecimal digest of a regular file's content.
	SHA256 string `json:"sha256,omitempty"`
	// Link is the target of a symbolic link.
	Link string `json:"link,omitempty"`
	// Folder and Executable say what it is.
	Folder     bool `json:"folder,omitempty"`
	Executable bool `json:"executable,omitempty"`
}

// Var is one -X importpath.name=value of the linker.
type Var struct {
	// Name is importpath.name, Value what it is set to.
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Config is the part of an OCI image configuration that a user can say.
type Config struct {
	// User is a uid, with a gid or without.
	User string `json:"user"`
	// Workdir is the folder that programs start in.
	Workdir string `json:"workdir,omitempty"`
	// Env are variables as NAME=value.
	Env []string `json:"env,omitempty"`
	// Args are what the program gets where nobody says any.
	Args []string `json:"args,omitempty"`
	// Ports are port/protocol.
	Ports []string `json:"ports,omitempty"`
	// StopSignal is what ends the program.
	StopSignal string `json:"stopSignal,omitempty"`
	// Labels are of the image configuration.
	Labels map[string]string `json:"labels,omitempty"`
	// Annotations go on the index and on every manifest.
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Time is the epoch as a time in UTC.
func (i Image) Time() time.Time { return time.Unix(i.Epoch, 0).UTC() }

// Hash identifies the plan of one platform: sha256: and the digest of its JSON.
// The other platforms of the run are left out, so that an image has the same
// bytes whatever is built beside it.
func (i Image) Hash(p Platform) string {
	i.Platforms = []Platform{p}
	i.Sources = map[string]string{p.String(): i.Sources[p.String()]}
	text, err := json.Marshal(i)
	if err != nil {
		panic(err) // strings, numbers and maps of strings always encode
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// BinaryHash identifies what decides the binaries of one platform, and leaves out
// what only the image around them has. The build is what is said of it to that platform.
func (i Image) BinaryHash(p Platform, build Build) string {
	return Image{
		Module: i.Module, Toolchain: i.Toolchain, Mains: i.Mains, Build: build, Platforms: []Platform{p}, Sources: i.Sources,
	}.Hash(p)
}

// Entrypoint is where the image's first main lies in the image.
func (i Image) Entrypoint() []string { return []string{"/" + i.Mains[0].Path()} }

// Path is where a main lies in an image, without a leading slash.
func (m Main) Path() string { return "app/" + m.Name }

// SortVars puts -X settings into the one order that they are passed in.
func SortVars(vars []Var) []Var {
	slices.SortStableFunc(vars, func(a, b Var) int {
		if a.Name < b.Name {
			return -1
		}
		if a.Name > b.Name {
			return 1
		}
		return 0
	})
	return vars
}

// Packages are the import paths of the mains.
func (i Image) Packages() []string {
	var list []string
	for _, m := range i.Mains {
		list = append(list, m.Package)
	}
	return list
}
