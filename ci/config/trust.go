package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"example.com/slipway/ci/fault"
)

// What a policy can require of an image. They are the names of checks too.
const (
	RequireSignature  = "signature"
	RequireProvenance = "provenance"
	RequireSBOM       = "sbom"
	RequireScan       = "scan"
)

// Requirements are all of them, in the order of the checks.
func Requirements() []string {
	return []string{RequireSignature, RequireProvenance, RequireSBOM, RequireScan}
}

// Trust is whose word counts for an image, and what it has to say.
type Trust struct {
	// Keys are public keys: names of files, or env:// and the name of a variable.
	Keys []string
	// Identities are those whose certificates count.
	Identities []Identity
	// Builders are the builders that may have made it, and Sources the addresses of the
	// repositories that it may have been made from. None is any.
	Builders, Sources []string
	// Commit is the one that it has to be made from, or empty.
	Commit string
	// Budget is the size that an image may have, compressed, in bytes. 0 is the default.
	Budget int64
	// Require are the things that have to be there. None is the default: all but a scan.
	Require []string
}

// Identity is whom a certificate was given to.
type Identity struct {
	// Issuer is the OIDC issuer that vouches for it.
	Issuer string
	// Name is the certificate's subject alternative name, Pattern a regular expression
	// for all of it. One of them is empty.
	Name, Pattern string
}

// Check tells whether an identity says enough to be one.
func (i Identity) Check() error {
	switch {
	case i.Issuer == "":
		return errors.New("an identity needs its issuer: anybody may be called so by another")
	case (i.Name == "") == (i.Pattern == ""):
		return errors.New("an identity is either exact or a regular expression")
	}
	if _, err := regexp.Compile(i.Pattern); err != nil {
		return fmt.Errorf("%.100q is no regular expression", i.Pattern)
	}
	return nil
}

// Requires tells whether something has to be there.
func (t Trust) Requires(what string) bool {
	if len(t.Require) == 0 {
		return what != RequireScan
	}
	return slices.Contains(t.Require, what)
}

// ReadTrust reads a policy file. The files of keys are named from its folder. Every
// error is a *fault.Error of kind Usage.
func ReadTrust(name string) (Trust, error) {
	text, err := readPolicy(name)
	if err != nil {
		return Trust{}, fault.New(fault.Usage, "reading the policy %s: %v", name, err).WithCause(err).WithFix("name a policy file with --policy")
	}
	t, err := ParseTrust(name, text)
	for i, key := range t.Keys {
		if !strings.Contains(key, "://") && !filepath.IsAbs(key) {
			t.Keys[i] = filepath.Join(filepath.Dir(name), key)
		}
	}
	return t, err
}

func readPolicy(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > fileLimit {
		return nil, errors.New("it is not a regular file of at most 1 MiB")
	}
	return os.ReadFile(name)
}

// ParseTrust parses the text of a policy file; name is for messages.
func ParseTrust(name string, text []byte) (Trust, error) {
	f, err := ParseFile(name, text)
	if err != nil {
		return Trust{}, err
	}
	// What follows a first document would be a policy that nobody reads.
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc yaml.Node
	if dec.Decode(&doc) == nil && !errors.Is(dec.Decode(&doc), io.EOF) {
		return Trust{}, fault.New(fault.Usage, "%s holds more than one document", name).WithFix("keep one")
	}
	if f.root == nil {
		return Trust{}, fault.New(fault.Usage, "%s is empty", name).WithFix("say whose signature counts: keys or identities")
	}
	var t Trust
	return t, f.trust(&t)
}

// trustKey is one key of a policy file.
type trustKey struct {
	name string
	read func(*Trust, *yaml.Node) error
}

func trustKeys() []trustKey {
	list := func(field func(*Trust) *[]string) func(*Trust, *yaml.Node) error {
		return func(t *Trust, value *yaml.Node) error { return decodeNames(value, field(t)) }
	}
	return []trustKey{
		{"keys", list(func(t *Trust) *[]string { return &t.Keys })},
		{"identities", decodeIdentities},
		{"builders", list(func(t *Trust) *[]string { return &t.Builders })},
		{"sources", list(func(t *Trust) *[]string { return &t.Sources })},
		{"budget", decodeBudget},
		{"require", decodeRequire},
	}
}

func (f *File) trust(t *Trust) error {
	known := trustKeys()
	var names []string
	for _, k := range known {
		names = append(names, k.name)
	}
	return f.mapping(f.root, names, func(at int, value *yaml.Node) error { return known[at].read(t, value) })
}

// mapping reads a mapping whose keys are known and there once. Errors have their line.
func (f *File) mapping(node *yaml.Node, known []string, read func(at int, value *yaml.Node) error) error {
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		at := slices.Index(known, name.Value)
		switch {
		case at < 0:
			return f.wrong(name, fmt.Sprintf("unknown key %.100q", name.Value), "the keys are "+strings.Join(known, ", "))
		case seen[name.Value]:
			return f.wrong(name, fmt.Sprintf("key %q is there twice", name.Value), "keep one")
		}
		seen[name.Value] = true
		if err := read(at, value); err != nil {
			where := value
			if inside, ok := errors.AsType[*misplaced](err); ok {
				where = inside.node
			}
			return f.wrong(where, fmt.Sprintf("key %q: %v", name.Value, err), "slipway verify --help shows a policy")
		}
	}
	return nil
}

// decodeNames reads a list in which every entry says something: an empty list would
// read as nobody, and count as anybody.
func decodeNames(value *yaml.Node, into *[]string) error {
	if err := decode(value, into); err != nil {
		return err
	}
	if len(*into) == 0 || slices.Contains(*into, "") {
		return wrongAt(value, "want at least one name, and no empty one")
	}
	return nil
}

func decodeIdentities(t *Trust, value *yaml.Node) error {
	if value.Kind != yaml.SequenceNode || len(value.Content) == 0 {
		return wrongAt(value, "want a list of identities, each with issuer and identity or identity-regexp")
	}
	for _, node := range value.Content {
		i, err := decodeIdentity(node)
		if err != nil {
			return err
		}
		if err := i.Check(); err != nil {
			return wrongAt(node, "%v", err)
		}
		t.Identities = append(t.Identities, i)
	}
	return nil
}

func decodeIdentity(node *yaml.Node) (Identity, error) {
	var i Identity
	fields := map[string]*string{"issuer": &i.Issuer, "identity": &i.Name, "identity-regexp": &i.Pattern}
	if node.Kind != yaml.MappingNode {
		return i, wrongAt(node, "want issuer, and identity or identity-regexp")
	}
	for at := 0; at+1 < len(node.Content); at += 2 {
		name, value := node.Content[at], node.Content[at+1]
		field := fields[name.Value]
		if field == nil {
			return i, wrongAt(name, "an identity has no %.100q", name.Value)
		}
		if *field != "" {
			return i, wrongAt(name, "%s is there twice", name.Value)
		}
		if value.Kind != yaml.ScalarNode || value.Value == "" {
			return i, wrongAt(value, "want one value for %s", name.Value)
		}
		*field = value.Value
	}
	return i, nil
}

func decodeBudget(t *Trust, value *yaml.Node) error {
	var text string
	if err := decode(value, &text); err != nil {
		return err
	}
	size, err := ParseSize(text)
	if err == nil && size == 0 {
		err = errors.New("no image is that small")
	}
	t.Budget = size
	return err
}

func decodeRequire(t *Trust, value *yaml.Node) error {
	if err := decodeNames(value, &t.Require); err != nil {
		return err
	}
	for _, what := range t.Require {
		if !slices.Contains(Requirements(), what) {
			return wrongAt(value, "nothing is called %.100q: want some of %s", what, strings.Join(Requirements(), ", "))
		}
	}
	return nil
}
