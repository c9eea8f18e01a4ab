package inspect

import (
	"cmp"
	"fmt"

	"example.com/slipway/ci/step"
)

// Bounds on documents, in bytes. Real manifests have some kilobytes.
const (
	maxManifest = 4 << 20
	maxConfig   = 8 << 20
)

// Bounds on the form of an image. Overlay file systems stack 128 layers at most.
const (
	maxLayers    = 256
	maxNesting   = 4   // indexes in each other
	maxDocuments = 512 // manifests, indexes and configurations
)

// Limits bound what an image can make Inspect read and remember. They are for one
// platform's image; a field that is zero has its default.
type Limits struct {
	// Unpacked is how many bytes all layers may unpack to. The default is 4 GiB.
	Unpacked int64
	// Entries is how many files, folders and links the layers may hold together. The
	// default is 500,000.
	Entries int
	// Names is how many bytes their names and link targets may have together. The
	// default is 64 MiB.
	Names int64
	// Program is how large a program may be whose inside is looked at. The default is
	// 256 MiB, which are held in memory.
	Program int64
	// Kept is how many bytes of certificates, time zones and user names are kept
	// together. The default is 32 MiB.
	Kept int64
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Unpacked: cmp.Or(l.Unpacked, 4<<30),
		Entries:  cmp.Or(l.Entries, 500_000),
		Names:    cmp.Or(l.Names, 64<<20),
		Program:  cmp.Or(l.Program, 256<<20),
		Kept:     cmp.Or(l.Kept, 32<<20),
	}
}

// boundError is an image that is larger than what is read of one.
type boundError struct{ what string }

func (e *boundError) Error() string { return e.what }

func tooMany(n int, what string) error {
	return &boundError{fmt.Sprintf("it has more than %d %s", n, what)}
}

func tooLarge(n int64, what string) error {
	return &boundError{fmt.Sprintf("it has %s of more than %s", what, step.Size(n))}
}
