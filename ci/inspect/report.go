package inspect

import (
	"example.com/slipway/ci/inspect/leak"
	"example.com/slipway/ci/plan"
)

// Schema names the form of a Report in JSON. It changes when a field changes its
// meaning or goes away, not when one is added.
const Schema = "slipway.inspect/1"

// Kind is where an image was read from.
type Kind string

// The kinds of places.
const (
	Layout        Kind = "oci-layout"
	OCIArchive    Kind = "oci-archive"
	DockerArchive Kind = "docker-archive"
	Registry      Kind = "registry"
	Memory        Kind = "memory"
)

// Report is what an image is. It holds facts only: Judge says what they mean.
// Sizes are bytes, and digests are sha256: with 64 hexadecimal digits.
type Report struct {
	// Schema names this form.
	Schema string `json:"schema"`
	// Image is the image as the caller named it.
	Image string `json:"image"`
	Kind  Kind   `json:"kind"`
	// Digest is that of the index, or of the manifest where there is no index. It is
	// empty where nothing has one: a docker-archive, or a layout of several images.
	Digest string `json:"digest,omitempty"`
	// Images has one entry for each platform, in the order of the index.
	Images []Image `json:"images"`
}

// Image is one platform's image.
type Image struct {
	// Platform is what the configuration says, in normal form.
	Platform plan.Platform `json:"platform"`
	// Listed is what the index says, if there is one and it says anything.
	Listed *plan.Platform `json:"listed,omitempty"`
	// Digest is the manifest's. A docker-archive has none.
	Digest string `json:"digest,omitempty"`
	// MediaType is the manifest's.
	MediaType string `json:"mediaType,omitempty"`
	// ID is the digest of the configuration, which docker and podman show as image ID.
	ID     string  `json:"id"`
	Config Config  `json:"config"`
	Layers []Layer `json:"layers"`
	// Compressed is the size of the layers as they are stored and of the
	// configuration: what a registry keeps and a node pulls.
	Compressed int64 `json:"compressed"`
	// Inflated says that layers lie uncompressed in an archive, so that Compressed is
	// more than what a registry would keep.
	Inflated bool `json:"inflated,omitempty"`
	// Unpacked is the size of the layers' tars.
	Unpacked     int64        `json:"unpacked"`
	User         User         `json:"user"`
	Entrypoint   Entrypoint   `json:"entrypoint"`
	Files        Files        `json:"files"`
	Certificates Certificates `json:"certificates"`
	Zones        Zones        `json:"zones"`
	// Programs are the entrypoint, if it is an ELF file, and every other executable
	// that Go built, by path.
	Programs []Program `json:"programs"`
	// Distribution is what the image says that it is, and Packages what its package
	// manager put there, by name. Unlisted are files of package managers that could not
	// be read: there are more packages than those.
	Distribution *Distribution `json:"distribution,omitempty"`
	Packages     []Package     `json:"packages,omitempty"`
	Unlisted     Listing       `json:"unlisted,omitzero"`
	// Leaks are secrets and names of the machine that built the image, in the order of
	// the rules.
	Leaks []Leak `json:"leaks,omitempty"`
	// Difference is there if the caller said what it expects.
	Difference *Difference `json:"difference,omitempty"`
}

// Config is the part of the configuration that decides how the image runs. Of the
// environment only the names are told: values may be secrets.
type Config struct {
	// User, Entrypoint, Args, Workdir, Ports and Labels are as in the image configuration.
	User       string   `json:"user"`
	Entrypoint []string `json:"entrypoint,omitempty"`
	Args       []string `json:"args,omitempty"`
	// Env are names of variables.
	Env     []string          `json:"env,omitempty"`
	Workdir string            `json:"workdir,omitempty"`
	Ports   []string          `json:"ports,omitempty"`
	Labels  map[string]string `json:"labels,omitempty"`
}

// Layer is one layer, from the lowest to the highest.
type Layer struct {
	// Digest and MediaType are of the layer as it is stored.
	Digest    string `json:"digest"`
	MediaType string `json:"mediaType"`
	// Compressed and Unpacked are its size as it is stored, and as a tar.
	Compressed int64 `json:"compressed"`
	Unpacked   int64 `json:"unpacked"`
	// CreatedBy is what the image's history says of it.
	CreatedBy string `json:"createdBy,omitempty"`
}

// User is who the entrypoint runs as, worked out with the image's own passwd and
// group files as a runtime does it.
type User struct {
	// Numeric is true for a number, which Kubernetes can tell from root.
	Numeric bool `json:"numeric"`
	// Known is false for a name that the image has no entry for.
	Known bool `json:"known"`
	// UID and GID are 0 for root.
	UID int `json:"uid"`
	GID int `json:"gid"`

	groups []int
}

// Entrypoint is the program that starts: the first word of the entrypoint and
// arguments together. It is empty where there is none.
type Entrypoint struct {
	// Path is the word itself.
	Path string `json:"path"`
	// Absolute, Exists, Regular and Executable say what it is in the image.
	Absolute bool `json:"absolute"`
	// Resolved is where the file really lies, after links.
	Resolved   string `json:"resolved,omitempty"`
	Exists     bool   `json:"exists"`
	Regular    bool   `json:"regular"`
	Executable bool   `json:"executable"`
}

// Files is what was found among all files of the image.
type Files struct {
	// Entries counts files, folders and links.
	Entries int `json:"entries"`
	// Shells are shells and what contains one, on the image's PATH and the usual one.
	Shells Listing `json:"shells"`
	// Setuid are files that run as their owner or group.
	Setuid Listing `json:"setuid"`
	// Writable is what everybody may write to, but for /tmp and /var/tmp with the
	// sticky bit, and for /dev, which runtimes replace.
	Writable Listing `json:"writable"`
}

// Listing is a number of paths, of which the first are named.
type Listing struct {
	// Count is how many there are, Paths the first of them.
	Count int      `json:"count"`
	Paths []string `json:"paths,omitempty"`
}

// Certificates is the bundle of certificate authorities that Go's crypto/x509 loads.
type Certificates struct {
	// Path is where it lies in the image.
	Path string `json:"path,omitempty"`
	// Valid counts certificates that parse and have not expired.
	Valid int `json:"valid"`
	// Expired and Broken count those that have expired, and that do not parse.
	Expired int `json:"expired,omitempty"`
	Broken  int `json:"broken,omitempty"`
}

// Zones is the time zone database in /usr/share/zoneinfo.
type Zones struct {
	// Found says that there is one.
	Found bool `json:"found"`
	// Loaded are the zones that were tried and are well.
	Loaded []string `json:"loaded,omitempty"`
	// Broken are zones that were tried and do not load.
	Broken []string `json:"broken,omitempty"`
}

// Program is an executable ELF file.
type Program struct {
	// Path is where it lies in the image, Size its bytes.
	Path string `json:"path"`
	Size int64  `json:"size"`
	// Entrypoint says that it is what starts.
	Entrypoint bool `json:"entrypoint,omitempty"`
	// Unread says why nothing more is known of it.
	Unread string `json:"unread,omitempty"`
	// Arch is the architecture in Go's words, or ELF's number for another one.
	Arch string `json:"arch,omitempty"`
	// Static is true if the kernel needs nothing else to start it.
	Static bool `json:"static"`
	// Interpreter and Needed are what it needs otherwise.
	Interpreter string   `json:"interpreter,omitempty"`
	Needed      []string `json:"needed,omitempty"`
	// Stripped is true if there is neither a symbol table nor DWARF.
	Stripped bool `json:"stripped"`
	// Go is there for a program that Go built.
	Go *Go `json:"go,omitempty"`
}

// Go is what Go's linker wrote into a program.
type Go struct {
	// Version is the Go release that built it.
	Version string `json:"version"`
	// Package is the import path of the main package.
	Package string `json:"package,omitempty"`
	Module  Module `json:"module"`
	// Dependencies are the modules that it is linked from but for its own, by path.
	Dependencies []Dependency `json:"dependencies,omitempty"`
	// Settings are the build settings that change what the program does or is.
	Settings map[string]string `json:"settings,omitempty"`
	// Text is the size of the machine code, Covered that of the functions in the
	// function table. The difference is code that Go's compiler did not make.
	Text    int64 `json:"text"`
	Covered int64 `json:"covered"`
	// Modules and Packages are machine code by size, largest first. What belongs to no
	// package has a name in parentheses.
	Modules  []Weight `json:"modules,omitempty"`
	Packages []Weight `json:"packages,omitempty"`
}

// Module is a module with its version.
type Module struct {
	// Path and Version are as in go.mod.
	Path    string `json:"path,omitempty"`
	Version string `json:"version,omitempty"`
}

// Dependency is a module that a program is linked from.
type Dependency struct {
	Module
	// Sum is that of go.sum: h1: and base64. A module of the source's own, or of a vendor
	// folder, has none.
	Sum string `json:"sum,omitempty"`
	// Replaces is the module that was asked for, where another one is in its place. A
	// folder in its place has a path that begins with a dot or a slash, and no version.
	Replaces *Module `json:"replaces,omitempty"`
}

// Distribution is what os-release(5) says.
type Distribution struct {
	// ID is debian or alpine.
	ID string `json:"id"`
	// Version is its VERSION_ID.
	Version string `json:"version,omitempty"`
}

// Package is a package of a distribution.
type Package struct {
	// Kind is deb or apk.
	Kind string `json:"kind"`
	// Name, Version and Arch are as the package manager has them.
	Name    string `json:"name"`
	Version string `json:"version"`
	Arch    string `json:"arch,omitempty"`
	// Source is the package that it was built from, where that has another name.
	Source string `json:"source,omitempty"`
	// Licence is an SPDX expression, where the distribution says one.
	Licence string `json:"licence,omitempty"`
}

// Weight is how much machine code something has.
type Weight struct {
	// Name and Version are those of a module or package, Size its machine code in bytes.
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Size    int64  `json:"size"`
}

// Expect says which files an image adds to its base.
type Expect struct {
	// BaseLayers is how many of the lowest layers are the base's.
	BaseLayers int
	// Paths are the files that the other layers add, absolute or not. The folders
	// above them are expected too.
	Paths []string
}

// Leak is one kind of secret, or one name of the machine that built the image. The
// secret itself is nowhere in a report: where an image speaks of itself, asterisks
// stand for it.
type Leak struct {
	// Rule is the rule's name, as in leak/github-token.
	Rule leak.Rule `json:"rule"`
	// What says what it is in words: a GitHub token, the source folder.
	What string `json:"what"`
	// Places are paths of files, and parts of the configuration and the manifest, as
	// label NAME, env NAME or history entry 3.
	Places Listing `json:"places"`
	// Count is how often it is there; a file may have it many times.
	Count int `json:"count"`
	// Hidden says that a higher layer removes or replaces the files, which whoever has
	// the image has all the same.
	Hidden bool `json:"hidden,omitempty"`
}

// Difference is how the layers above the base differ from what was expected.
type Difference struct {
	// Extra was added or changed, Missing was not added, Removed was the base's.
	Extra   Listing `json:"extra"`
	Missing Listing `json:"missing"`
	Removed Listing `json:"removed"`
}

// named is how many paths a Listing names.
const named = 100

func (l *Listing) add(path string) {
	l.Count++
	if len(l.Paths) < named {
		l.Paths = append(l.Paths, path)
	}
}
