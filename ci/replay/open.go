package replay

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/report"
)

const (
	// maxArchive bounds a zip, in bytes: its list of files is read into memory.
	maxArchive = 32 << 20
	// receiptName is what check calls a receipt.
	receiptName = "receipt.json"
)

// Forms says what names a run.
const Forms = "name a receipt.json, the zip of a job's artifact, or the token that a failed job prints (" + TokenPrefix + "...)"

// tokenForm is that of a token of any form, also of a damaged one. Images have a slash.
var tokenForm = regexp.MustCompile(`^sw[0-9]+-[^/]*$`)

// zipMagic begins a zip that is not empty.
var zipMagic = []byte("PK\x03\x04")

// Open finds the record that a text names: a token, or a file with a receipt, or with a
// zip that has receipts, of which chosen is one. It is nil where the text is none of
// these; then it may be the name of an image.
func Open(text, dir, chosen string) (*Record, error) {
	if tokenForm.MatchString(text) {
		return Decode(text)
	}
	file := text
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, text)
	}
	info, err := os.Stat(file)
	switch ext := strings.ToLower(filepath.Ext(text)); {
	case errors.Is(err, fs.ErrNotExist) && (ext == ".json" || ext == ".zip"):
		return nil, fault.New(fault.Usage, "there is no file %s", text).WithFix("%s", Forms)
	case err != nil:
		return nil, nil //nolint:nilerr // it is the name of no file
	case info.IsDir() && exists(filepath.Join(file, receiptName)):
		return nil, fault.New(fault.Usage, "%s is a folder", text).WithFix("name %s", filepath.Join(text, receiptName))
	case !info.Mode().IsRegular():
		return nil, fault.New(fault.Usage, "%s is no regular file", text).WithFix("%s", Forms)
	}
	content, err := read(file, chosen)
	if err != nil {
		return nil, told(text, err)
	}
	r, err := report.Read(content)
	if err != nil {
		return nil, told(text, err)
	}
	return Of(r)
}

// told says which file an error is about.
func told(name string, err error) error {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		c := *f
		c.What = name + ": " + c.What
		return &c
	}
	return fault.New(fault.Usage, "reading %s: %v", name, err).WithFix("%s", Forms).WithCause(err)
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// read returns the text of the receipt in a file.
func read(name, chosen string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	magic := make([]byte, len(zipMagic))
	if n, _ := io.ReadFull(file, magic); !bytes.Equal(magic[:n], zipMagic) {
		if chosen != "" {
			return nil, fault.New(fault.Usage, "--receipt chooses in a zip, and this is none").WithFix("leave it out")
		}
		_, err = file.Seek(0, io.SeekStart)
		if err != nil {
			return nil, err
		}
		return io.ReadAll(io.LimitReader(file, report.MaxReceipt+1))
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	return unzip(file, info.Size(), chosen)
}

// unzip reads the receipt of a zip. Nothing is written, so names lead nowhere.
func unzip(r io.ReaderAt, size int64, chosen string) ([]byte, error) {
	if size > maxArchive {
		return nil, fault.New(fault.Usage, "the zip is larger than %d MiB", maxArchive>>20).WithFix("take its %s out, and name that", receiptName)
	}
	archive, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, fault.New(fault.Usage, "the zip cannot be read: %v", err).WithFix("download it again").WithCause(err)
	}
	found, err := choose(archive.File, chosen)
	if err != nil {
		return nil, err
	}
	if found.UncompressedSize64 > report.MaxReceipt {
		return nil, fault.New(fault.Usage, "its %s is larger than %d MiB", plain.Line(found.Name), report.MaxReceipt>>20).WithFix("a receipt is smaller")
	}
	content, err := found.Open()
	if err != nil {
		return nil, fmt.Errorf("%s in it: %w", plain.Line(found.Name), err)
	}
	defer content.Close()
	// What a zip says of sizes need not be true.
	text, err := io.ReadAll(io.LimitReader(content, report.MaxReceipt+1))
	if err != nil {
		return nil, fmt.Errorf("%s in it: %w", plain.Line(found.Name), err)
	}
	return text, nil
}

// choose finds the one receipt among the files of a zip.
func choose(files []*zip.File, chosen string) (*zip.File, error) {
	var all []*zip.File
	var names []string
	for _, f := range files {
		if path.Base(f.Name) == receiptName && (chosen == "" || f.Name == chosen) {
			all = append(all, f)
			names = append(names, plain.Line(f.Name))
		}
	}
	switch {
	case len(all) == 1:
		return all[0], nil
	case len(all) > 1:
		slices.Sort(names)
		return nil, fault.New(fault.Usage, "there are %d receipts in it", len(all)).
			WithDetail(names[:min(len(names), maxListed)]...).WithFix("choose one with --receipt NAME")
	case chosen != "":
		return nil, fault.New(fault.Usage, "there is no %s in it", chosen).WithFix("without --receipt its only %s is taken", receiptName)
	}
	return nil, fault.New(fault.Usage, "there is no %s in it", receiptName).WithFix("name the artifact that has the report")
}
