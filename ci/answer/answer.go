// Package answer remembers what a run made of its inputs, so that a run with the same
// inputs has its images without an engine.
//
// A record is found by a key over all that decides the bytes and is known without a
// toolchain: Slipway's own program, the plan before the sources, and every file that the
// go command could read. Times of files are not trusted: contents are hashed. Whatever is
// not certain, such as a link to a folder that was not hashed, has no key.
package answer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"example.com/slipway/ci/cache"
	"example.com/slipway/ci/plan"
)

// Inputs decide the images of a run. What is not in here has no say in a byte of them.
type Inputs struct {
	// Program identifies Slipway itself, as Program does.
	Program string `json:"program"`
	// Engine and Host are the engine that was asked for. They change no byte, which nobody
	// could see any more if one answered for the other.
	Engine string `json:"engine"`
	Host   string `json:"host"`
	// Images are the plans, before the sources and the base are known.
	Images []plan.Image `json:"images"`
	// AllPlatforms says that the base decides the platforms.
	AllPlatforms bool `json:"allPlatforms"`
	// Flags is GOFLAGS: an engine may refuse it.
	Flags string `json:"flags"`
	// Root, Workspace and Modules are where the source folder, the go.work and the modules
	// lie in the tree, as slash paths, and Vendor whether modules come from a vendor folder.
	Root      string   `json:"root"`
	Workspace string   `json:"workspace"`
	Modules   []string `json:"modules"`
	Vendor    bool     `json:"vendor"`
	// Tree is the hash of the files, as Tree has it.
	Tree string `json:"tree"`
}

// Key identifies the inputs: the hexadecimal digest of their JSON.
func (i Inputs) Key() string {
	text, err := json.Marshal(i)
	if err != nil {
		panic(err) // strings, numbers and maps of strings always encode
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// schema is the form of a record. Another one is no record.
const schema = "slipway.answer/1"

// Record is what a run made.
type Record struct {
	Schema string `json:"schema"`
	// Key is that of the inputs.
	Key string `json:"key"`
	// Made is when, in UTC.
	Made time.Time `json:"made"`
	// Images are in the order of the plan's.
	Images []Image `json:"images"`
	// Unset are -X settings that no variable of the program has.
	Unset []string `json:"unset,omitempty"`
	// Dirty are the source files that differ from the commit.
	Dirty []string `json:"dirty,omitempty"`
}

// Image is what a run found out about one image.
type Image struct {
	Name string `json:"name"`
	// Digest is the index's.
	Digest string `json:"digest"`
	// Base and Platforms are those that the image has in the end.
	Base      plan.Pin        `json:"base"`
	Platforms []plan.Platform `json:"platforms"`
	// Sources are the hashes of the source sets, by platform.
	Sources map[string]string `json:"sources"`
	Dirty   bool              `json:"dirty,omitempty"`
	// Programs are the digests of the programs, by platform, in the order of the mains.
	Programs map[string][]string `json:"programs"`
}

// keepRecords bounds the records on this machine, in bytes.
const keepRecords = 16 << 20

// maxRecord bounds one that is read, in bytes.
const maxRecord = 16 << 20

// Records are the records of this machine, in a folder.
type Records struct{ Dir string }

// name is where the record for a source folder lies. Two checkouts of the same do not
// answer for each other: whoever builds both wants to compare them.
func (r Records) name(key, folder string) string {
	sum := sha256.Sum256([]byte(key + "\n" + folder))
	return filepath.Join(r.Dir, hex.EncodeToString(sum[:])+".json")
}

// Find returns the record for a key and a source folder.
func (r Records) Find(key, folder string) (Record, bool) {
	name := r.name(key, folder)
	f, err := os.Open(name)
	if err != nil {
		return Record{}, false
	}
	defer f.Close()
	var found Record
	if err := json.NewDecoder(io.LimitReader(f, maxRecord)).Decode(&found); err != nil || found.check(key) != nil {
		return Record{}, false
	}
	cache.Touch(name, time.Now())
	return found, true
}

// Keep writes a record.
func (r Records) Keep(made Record, folder string) error {
	made.Schema = schema
	text, err := json.Marshal(made)
	if err != nil {
		return err
	}
	if err := cache.Write(r.name(made.Key, folder), text); err != nil {
		return err
	}
	cache.Trim(r.Dir, keepRecords, time.Now())
	return nil
}

// check refuses what is no record for a key.
func (r Record) check(key string) error {
	if r.Schema != schema || r.Key != key || len(r.Images) == 0 {
		return errors.New("the record is of something else")
	}
	return nil
}

// Program identifies the program that runs: the digest of its file. A build id would do,
// but for programs that are linked without one.
func Program() (string, error) {
	name := "/proc/self/exe" // also where the file was replaced meanwhile
	if runtime.GOOS != "linux" {
		var err error
		if name, err = os.Executable(); err != nil {
			return "", fmt.Errorf("finding this program: %w", err)
		}
	}
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("reading this program: %w", err)
	}
	defer f.Close()
	return digest(f)
}

func digest(r io.Reader) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
