package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
)

// FileName is the configuration file in the source folder.
const FileName = ".slipway.yaml"

// fileLimit bounds the configuration file, in bytes.
const fileLimit = 1 << 20

// File is a parsed configuration file.
type File struct {
	name string
	root *yaml.Node // a mapping, or nil for an empty file
}

// ReadFile reads the configuration file of a source folder. A folder without one
// gives nil.
func ReadFile(dir string) (*File, error) {
	name := filepath.Join(dir, FileName)
	info, err := os.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for %s: %w", name, err)
	}
	if !info.Mode().IsRegular() || info.Size() > fileLimit {
		return nil, fault.New(fault.Usage, "%s is not a regular file of at most 1 MiB", name).WithFix("replace it")
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fault.New(fault.Usage, "reading %s: %v", name, err).WithFix("make it readable")
	}
	return ParseFile(name, text)
}

// ParseFile parses the text of a configuration file; name is for messages.
func ParseFile(name string, text []byte) (*File, error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return &File{name: name}, nil
	} else if err != nil {
		return nil, fault.New(fault.Usage, "%s is not YAML: %s", name, strings.TrimPrefix(err.Error(), "yaml: ")).WithFix("correct it")
	}
	f := &File{name: name}
	if len(doc.Content) == 1 && doc.Content[0].Tag != "!!null" {
		f.root = doc.Content[0]
		if f.root.Kind != yaml.MappingNode {
			return nil, f.wrong(f.root, "the file is not a list of keys with values", "write key: value lines")
		}
	}
	return f, nil
}

// into sets what the file says and where it says it.
func (f *File) into(said *Said) error {
	if f.root == nil {
		return nil
	}
	known := map[string]key{}
	for _, k := range keys() {
		known[k.name] = k
	}
	for i := 0; i+1 < len(f.root.Content); i += 2 {
		name, value := f.root.Content[i], f.root.Content[i+1]
		k, ok := known[name.Value]
		if !ok {
			return f.wrong(name, fmt.Sprintf("unknown key %q", name.Value), "the keys are "+names())
		}
		if k.machine {
			return f.wrong(name, fmt.Sprintf("the source cannot say %q of itself", k.name), "whoever builds it does, with --"+k.name+" or "+k.variable())
		}
		if _, twice := said.Origins[k.name]; twice {
			return f.wrong(name, fmt.Sprintf("key %q is there twice", k.name), "keep one")
		}
		if err := decode(value, k.field(&said.Settings)); err != nil {
			at := value
			if inside, ok := errors.AsType[*misplaced](err); ok {
				at = inside.node
			}
			return f.wrong(at, fmt.Sprintf("key %q: %v", k.name, err), "its meaning: "+k.help)
		}
		said.Origins[k.name] = Origin(fmt.Sprintf("%s:%d", FileName, name.Line))
	}
	return nil
}

// decode takes a scalar for a list of one, and numbers and booleans as they are
// written wherever text is wanted.
func decode(value *yaml.Node, field any) error {
	switch f := field.(type) {
	case *string:
		if value.Kind != yaml.ScalarNode {
			return errors.New("want one value")
		}
		*f = value.Value
	case *bool:
		if err := value.Decode(f); err != nil {
			return errors.New("want true or false")
		}
	case *[]string:
		items := value.Content
		if value.Kind == yaml.ScalarNode {
			items = []*yaml.Node{value}
		} else if value.Kind != yaml.SequenceNode {
			return errors.New("want a list")
		}
		*f = nil
		for _, item := range items {
			if item.Kind != yaml.ScalarNode {
				return errors.New("want a list of plain values")
			}
			*f = append(*f, item.Value)
		}
	case *Lines:
		var texts []string
		if err := decode(value, &texts); err != nil {
			return err
		}
		*f = lines(texts)
	case *[][]string:
		if value.Kind != yaml.SequenceNode {
			return errors.New("want a list of commands, each a list of arguments")
		}
		*f = nil
		for _, item := range value.Content {
			var command []string
			if item.Kind != yaml.SequenceNode || decode(item, &command) != nil || len(command) == 0 {
				return errors.New("want each command as a list of arguments, such as [go, generate, ./...]")
			}
			*f = append(*f, command)
		}
	case *[]plan.Exception:
		return decodeExceptions(value, f)
	case *map[string]string:
		if value.Kind != yaml.MappingNode {
			return errors.New("want names with values")
		}
		*f = map[string]string{}
		for i := 0; i+1 < len(value.Content); i += 2 {
			if value.Content[i+1].Kind != yaml.ScalarNode {
				return fmt.Errorf("want one value for %q", value.Content[i].Value)
			}
			(*f)[value.Content[i].Value] = value.Content[i+1].Value
		}
	}
	return nil
}

func (f *File) wrong(at *yaml.Node, what, fix string) error {
	return fault.New(fault.Usage, "%s:%d: %s", f.name, at.Line, what).WithFix("%s", fix)
}

func names() string {
	var list []string
	for _, k := range keys() {
		if !k.machine {
			list = append(list, k.name)
		}
	}
	return strings.Join(list, ", ")
}
