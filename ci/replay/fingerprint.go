package replay

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"example.com/slipway/ci/receipt"
)

// Fingerprint is what a token knows of a run: enough to tell whether another one is the
// same, not what is in it.
type Fingerprint struct {
	// Engine is the engine's name, Release the Go release that built.
	Engine, Release string
	// Inputs are hashes of what decides the outcome, in the order of brief; 0 is absent.
	Inputs [len(brief)]uint32
	// Kind is the kind of the failure, or empty for a run that passed, Count how many
	// things fail and Identity the hash of their names.
	Kind     string
	Count    int
	Identity uint64
	// Digests begin those of the images, in their order; 0 is an image that was not made.
	Digests []uint64
}

// brief are the inputs that a token has.
var brief = [...]string{inputSlipway, inputBuilder, inputBase, inputModules, inputDatabase}

func fingerprint(r *receipt.Receipt) Fingerprint {
	f := Fingerprint{Engine: r.Run.Engine}
	if r.Run.Toolchain != nil {
		f.Release = r.Run.Toolchain.Release
	}
	known := inputs(r)
	for i, name := range brief {
		f.Inputs[i] = shortHash(known[name].value)
	}
	if r.Failure != nil {
		items := failing(r)
		f.Kind, f.Count, f.Identity = r.Failure.Kind, len(items), identity(r.Failure.Kind, items)
	}
	for _, img := range r.Images {
		f.Digests = append(f.Digests, prefix(img.Digest))
	}
	return f
}

// planned tells whether the run came to a plan, and so to an epoch.
func (f Fingerprint) planned() bool { return len(f.Digests) > 0 }

// made tells whether there is a digest of every image.
func (f Fingerprint) made() bool { return len(f.Digests) > 0 && !slices.Contains(f.Digests, 0) }

func identity(kind string, items []item) uint64 {
	lines := []string{kind}
	for _, i := range items {
		lines = append(lines, i.class+" "+i.name)
	}
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return binary.BigEndian.Uint64(sum[:])
}

// shortHash is 0 for no text, and for nothing else.
func shortHash(text string) uint32 {
	if text == "" {
		return 0
	}
	sum := sha256.Sum256([]byte(text))
	return max(binary.BigEndian.Uint32(sum[:]), 1)
}

// prefix is the beginning of a digest, or 0.
func prefix(digest string) uint64 {
	b, err := hex.DecodeString(strings.TrimPrefix(digest, "sha256:"))
	if err != nil || len(b) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}

func sorted[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }
