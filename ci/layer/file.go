package layer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"
)

// File is one entry of a layer.
type File struct {
	// Path is where the file lies in the image: a clean slash path without a leading slash.
	Path string
	// Mode has the permission bits, and fs.ModeDir, fs.ModeSymlink or fs.ModeSticky.
	Mode fs.FileMode
	// Link is the target of a symbolic link.
	Link string
	// Data is the content of a regular file, unless Source names it.
	Data []byte
	// Source is the file on this machine that holds the content.
	Source string
	// SHA256 is the hexadecimal digest of the content where it is known already.
	SHA256 string
	// UID and GID own the file. The default is root.
	UID, GID int
	// Capability is the value of security.capability (capabilities(7), version 2), or nil.
	Capability []byte
}

// Parents returns the folders above files that files does not hold itself, each
// once, parents first, owned by root and 0755.
func Parents(files []File) []File {
	have := map[string]bool{".": true}
	for _, f := range files {
		if f.Mode.IsDir() {
			have[f.Path] = true
		}
	}
	var made []File
	var add func(dir string)
	add = func(dir string) {
		if have[dir] {
			return
		}
		have[dir] = true
		add(path.Dir(dir))
		made = append(made, File{Path: dir, Mode: fs.ModeDir | 0o755})
	}
	for _, f := range files {
		add(path.Dir(f.Path))
	}
	return made
}

func (f File) open() (io.ReadCloser, int64, error) {
	if f.Source == "" {
		return io.NopCloser(bytes.NewReader(f.Data)), int64(len(f.Data)), nil
	}
	r, err := os.Open(f.Source)
	if err != nil {
		return nil, 0, err
	}
	info, err := r.Stat()
	if err != nil {
		r.Close()
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		r.Close()
		return nil, 0, fmt.Errorf("%s is not a regular file", f.Source)
	}
	return r, info.Size(), nil
}

// key names what a layer of these files will be, without compressing them.
func key(files []File, mtime time.Time, c Compression) (string, error) {
	h := sha256.New()
	lines := json.NewEncoder(h)
	// The version changes with the tar format, the levels, the blocks and klauspost's packages.
	if err := lines.Encode([]any{"layer", 3, c, Level, mtime.Unix()}); err != nil {
		return "", err
	}
	for _, f := range files {
		content, err := f.sum()
		if err != nil {
			return "", fmt.Errorf("reading %s for the layer: %w", f.Path, err)
		}
		if err := lines.Encode([]any{f.Path, f.Mode, f.Link, f.UID, f.GID, f.Capability, content}); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (f File) sum() (string, error) {
	if !f.Mode.IsRegular() || f.SHA256 != "" {
		return f.SHA256, nil
	}
	r, _, err := f.open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
