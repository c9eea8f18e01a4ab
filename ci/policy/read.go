package policy

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"example.com/slipway/ci/fault"
)

// maxDocument bounds a document, in bytes.
const maxDocument = 4 << 20

// ReadVEX reads documents, which are slash paths in a source folder. Every error is a
// *fault.Error of kind Usage.
func ReadVEX(root string, files []string) ([]VEX, error) {
	if len(files) == 0 {
		return nil, nil
	}
	tree, err := os.OpenRoot(root)
	if err != nil {
		return nil, fault.New(fault.Usage, "opening the source folder for its VEX documents: %v", err).WithFix("make it readable")
	}
	// Nothing was written through it.
	defer func() { _ = tree.Close() }()
	var all []VEX
	for _, file := range files {
		text, err := readWithin(tree, filepath.FromSlash(file))
		if err != nil {
			return nil, fault.New(fault.Usage, "reading the VEX document %s: %v", file, err).
				WithFix("name a regular file of at most 4 MiB inside the source folder").WithCause(err)
		}
		doc, err := ParseVEX(file, text)
		if err != nil {
			return nil, err
		}
		all = append(all, doc)
	}
	return all, nil
}

// readWithin does not follow a link out of the tree.
func readWithin(tree *os.Root, name string) ([]byte, error) {
	// A named pipe is not opened: that would wait for a writer.
	if info, err := tree.Stat(name); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	f, err := tree.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if err == nil && len(text) > maxDocument {
		err = errors.New("it is larger than 4 MiB")
	}
	return text, err
}

// ParseVEX reads the text of an OpenVEX document, whose name is for messages. Every
// error is a *fault.Error of kind Usage.
func ParseVEX(name string, text []byte) (VEX, error) {
	doc, err := decode(text)
	if err != nil {
		return VEX{}, fault.New(fault.Usage, "%s is not an OpenVEX document: %s", name, plain(err.Error())).
			WithFix("correct it; %s is the version that is read", openVEX).WithCause(err)
	}
	v := VEX{File: name, Author: plain(doc.Author)}
	for i, s := range doc.Statements {
		if err := s.validate(); err != nil {
			return VEX{}, fault.New(fault.Usage, "%s: statement %d, on %q: %v", name, i+1, plain(s.Vulnerability.Name), err).
				WithFix("correct it as the OpenVEX specification says").WithCause(err)
		}
		v.statements = append(v.statements, s.read(v, *doc.Timestamp))
	}
	return v, nil
}
