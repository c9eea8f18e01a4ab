// Package builtin is the base for machines that reach no registry: what a static
// Go program expects to find around it, and nothing that runs. All of its bytes
// are in this folder and none come from the host, so that it is the same image
// wherever it is made.
package builtin

import (
	"archive/zip"
	"cmp"
	_ "embed"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"example.com/slipway/ci/layer"
)

// certificates is Mozilla's list of roots for TLS servers in PEM, as the module
// golang.org/x/crypto/x509roots/fallback has it.
//
// One root of it is left out, because Mozilla distrusts what that root issued
// after a date (Izenpe.com, 15 April 2026). The module can say so in code, a PEM
// file cannot: with it, a service would accept certificates that every browser
// refuses. Without it, a service refuses the older ones, which expire by May 2027.
//
//go:embed ca-certificates.crt
var certificates string

// zoneinfo is lib/time/zoneinfo.zip of a Go release, entries not compressed.
//
//go:embed zoneinfo.zip
var zoneinfo string

const (
	certificatesPath = "etc/ssl/certs/ca-certificates.crt"
	zoneinfoPath     = "usr/share/zoneinfo"
	nonroot          = 65532
)

// Files returns the whole tree: folders before what is in them.
func Files() ([]layer.File, error) {
	data, err := dataFiles()
	if err != nil {
		return nil, err
	}
	text := func(path, content string) layer.File {
		return layer.File{Path: path, Mode: 0o644, Data: []byte(content)}
	}
	return tree(append(data,
		text("etc/passwd", "root:x:0:0:root:/root:/sbin/nologin\n"+
			"nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\n"+
			"nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n"),
		text("etc/group", "root:x:0:\nnobody:x:65534:\nnonroot:x:65532:\n"),
		text("etc/nsswitch.conf", "hosts: files dns\n"),
		// A name of its own: a scanner that took this for Debian would look for a
		// package database and report that nothing is installed.
		text("etc/os-release", "ID=slipway\nNAME=\"Slipway\"\nPRETTY_NAME=\"Slipway builtin base\"\n"),
		layer.File{Path: "root", Mode: fs.ModeDir | 0o700},
		// Open to read, because clusters that choose a uid of their own still have
		// to enter the working folder.
		layer.File{Path: "home/nonroot", Mode: fs.ModeDir | 0o755, UID: nonroot, GID: nonroot},
		layer.File{Path: "tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
	)), nil
}

// Certificates returns only the CA bundle and the time zones with the folders
// above them, for bases that lack both.
func Certificates() ([]layer.File, error) {
	data, err := dataFiles()
	if err != nil {
		return nil, err
	}
	return tree(data), nil
}

func dataFiles() ([]layer.File, error) {
	files := []layer.File{{Path: certificatesPath, Mode: 0o644, Data: []byte(certificates)}}
	archive, err := zip.NewReader(strings.NewReader(zoneinfo), int64(len(zoneinfo)))
	if err != nil {
		return nil, fmt.Errorf("opening the embedded time zones: %w", err)
	}
	for _, entry := range archive.File {
		data, err := content(entry)
		if err != nil {
			return nil, fmt.Errorf("reading the embedded time zone %s: %w", entry.Name, err)
		}
		files = append(files, layer.File{Path: zoneinfoPath + "/" + entry.Name, Mode: 0o644, Data: data})
	}
	return files, nil
}

func content(entry *zip.File) ([]byte, error) {
	r, err := entry.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// tree adds the folders above files and sorts all by path, which puts every
// folder before its content.
func tree(files []layer.File) []layer.File {
	files = append(files, layer.Parents(files)...)
	slices.SortFunc(files, func(a, b layer.File) int { return cmp.Compare(a.Path, b.Path) })
	return files
}
