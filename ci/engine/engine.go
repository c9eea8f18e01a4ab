// Package engine says what an engine is: something that turns a source folder into
// static binaries with a pinned Go release. Everything after the binaries is shared
// by all engines and lives elsewhere.
package engine

import (
	"context"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/step"
)

// Engine builds Go programs. Its methods may be called from several goroutines
// once Prepare has returned.
type Engine interface {
	// Name is what --engine calls it.
	Name() string
	// Version says which it is, once Prepare has returned: of the Dagger engine, or of the
	// go command that starts the pinned release. It may be empty.
	Version() string
	// Prepare readies the pinned Go release for a source folder.
	Prepare(ctx context.Context, src Source, b Builder, s step.Step) (Toolchain, error)
	// Sources lists, for each target, what its mains need from the source folder.
	Sources(ctx context.Context, targets ...Target) ([]SourceSet, error)
	// Exec runs a command in the source folder, with the pinned release on its PATH.
	Exec(ctx context.Context, argv []string, s step.Step) error
	// Build builds the mains for one platform from the source set. The error is a *fault.Error of kind
	// Source where the source is at fault.
	Build(ctx context.Context, t Target, set SourceSet, s step.Step) (Result, error)
	// Test runs go vet and go test. Nothing that they leave reaches a build, and no
	// credential reaches them. The error is a *fault.Error of kind Tests where they fail,
	// and comes with what they did.
	Test(ctx context.Context, t Tests, s step.Step) (*finding.Tests, error)
	// Scan runs the pinned scanner over one image, without network, credentials or the
	// source. The error is a *fault.Error of kind Unjudged where it does not answer.
	Scan(ctx context.Context, sc Scan, s step.Step) (Scanned, error)
	// Reach runs govulncheck over the mains of a target and returns the messages that it
	// prints as JSON. The error is a *fault.Error of kind Unjudged where it does not.
	Reach(ctx context.Context, r Reach, s step.Step) ([]byte, error)
	// Platform is what the engine runs without emulation.
	Platform(ctx context.Context) (plan.Platform, error)
	// Smoke starts an image, waits until it answers, and stops it. The error is a
	// *fault.Error of kind Gate where the image is at fault, of kind Unjudged where
	// nothing could start it.
	Smoke(ctx context.Context, sm Smoke, s step.Step) (Smoked, error)
	// Close ends what the engine holds open. It may be called when nothing is.
	Close() error
}

// Source is a folder to build from.
type Source struct {
	// Root is the source folder: absolute, with links resolved.
	Root string
	// TreeRoot is the folder that all sources lie in: the git repository's, or Root.
	TreeRoot string
	// Workspace is the go.work in effect, or "".
	Workspace string
	// ModuleFolders are those of all modules whose go.mod chooses versions.
	ModuleFolders []string
	// Vendor says that modules come from a vendor folder.
	Vendor bool
}

// Builder is the pin of the Go release to build with.
type Builder struct {
	// Image is the builder image.
	Image plan.Pin
	// Release is the Go release in it, for example go1.26.9.
	Release string
	// Fresh is an empty folder where a build is to use nothing that an earlier one left,
	// but for modules, whose checksums are known. It takes the place of the cache folder.
	Fresh string
}

// Toolchain is the Go release that an engine builds with.
type Toolchain struct {
	// Release is for example go1.26.9.
	Release string `json:"release"`
	// From is what it came from: a module with its version, or an image.
	From string `json:"from"`
	// Sum is the module's checksum, h1:..., or the image's digest.
	Sum string `json:"sum"`
	// Cached says that it was there already.
	Cached bool `json:"-"`
}

// Target is one platform's part of an image plan.
type Target struct {
	Platform plan.Platform
	Mains    []plan.Main
	Build    plan.Build
	// Key identifies everything that decides the binaries: the plan's hash. The
	// empty key means that no earlier result may be used.
	Key string
}

// SourceSet is what a build reads from the source folder.
type SourceSet struct {
	// Files are slash paths relative to the source folder, sorted. A module that
	// a replace line takes from beside the source folder has paths with "..".
	Files []string
	// Unset are the names of -X settings that no string variable of the program
	// has. The linker passes over them without a word.
	Unset []string
	// Absent are those of them for which there is no variable at all.
	Absent []string
}

// Result is what a build leaves.
type Result struct {
	Binaries []Binary
	// Cached says that an earlier result was used.
	Cached bool
}

// Binary is one built program.
type Binary struct {
	Main     plan.Main
	Platform plan.Platform
	// File is where it lies on this machine, in the engine's cache.
	File string
	// SHA256 is the hexadecimal digest of its bytes.
	SHA256 string
	// Size in bytes.
	Size int64
}
