package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
)

// Said is what a user said in all places, the strongest last word for each key.
type Said struct {
	Settings
	// Origins has a key's name for each value that somebody said.
	Origins map[string]Origin
	// Typed are the values of flags and variables as they were typed, by key, without
	// those that lead to secrets.
	Typed map[string][]string
}

// Flags collects the flags of a command.
type Flags struct{ values map[string]*collected }

// Bind adds a flag for every key to a command's flags.
func Bind(set *pflag.FlagSet) *Flags {
	f := &Flags{values: map[string]*collected{}}
	for _, k := range keys() {
		if k.fileOnly() {
			continue
		}
		v := &collected{sample: k.field(&Settings{})}
		f.values[k.name] = v
		flag := set.VarPF(v, k.name, "", k.help)
		if v.Type() == "bool" {
			flag.NoOptDefVal = "true"
		}
	}
	return f
}

// Said tells whether a flag was typed.
func (f *Flags) Said(name string) bool { return f.values[name] != nil && len(f.values[name].texts) > 0 }

// collected is a flag's values as they were typed.
type collected struct {
	sample any
	texts  []string
}

func (c *collected) String() string     { return strings.Join(c.texts, ",") }
func (c *collected) Set(s string) error { c.texts = append(c.texts, s); return nil }
func (c *collected) Type() string {
	switch c.sample.(type) {
	case *bool:
		return "bool"
	case *[]string:
		return "list"
	case *Lines:
		return "rule"
	case *map[string]string:
		return "key=value"
	default:
		return "string"
	}
}

// Gather lays flags over the environment over the configuration file. A list or
// table that a stronger place says replaces the weaker one's as a whole.
func Gather(file *File, getenv func(string) string, flags *Flags) (*Said, error) {
	said := &Said{Origins: map[string]Origin{}, Typed: map[string][]string{}}
	if file != nil {
		if err := file.into(said); err != nil {
			return nil, err
		}
	}
	for _, k := range keys() {
		if text := getenv(k.variable()); text != "" && !k.fileOnly() {
			if err := assign(k.field(&said.Settings), []string{text}); err != nil {
				return nil, fault.New(fault.Usage, "the variable %s: %v", k.variable(), err).WithFix("correct it or unset it")
			}
			said.Origins[k.name] = Origin(k.variable())
			said.typed(k, text)
		}
	}
	return said, said.flags(flags)
}

// flags lays what was typed over everything else.
func (s *Said) flags(flags *Flags) error {
	for _, k := range keys() {
		if flags == nil || flags.values[k.name] == nil || len(flags.values[k.name].texts) == 0 {
			continue
		}
		if err := assign(k.field(&s.Settings), flags.values[k.name].texts); err != nil {
			return fault.New(fault.Usage, "--%s: %v", k.name, err).WithFix("--help shows its form")
		}
		s.Origins[k.name] = Origin("--" + k.name)
		s.typed(k, flags.values[k.name].texts...)
	}
	return nil
}

// userinfo is the part of an address that may have a password.
var userinfo = regexp.MustCompile(`://[^/@\s]*@`)

// WithoutUser takes user and password out of the addresses in a text.
func WithoutUser(text string) string { return userinfo.ReplaceAllString(text, "://") }

// typed remembers what was typed.
func (s *Said) typed(k key, texts ...string) {
	if k.secret {
		return
	}
	s.Typed[k.name] = nil
	for _, text := range texts {
		s.Typed[k.name] = append(s.Typed[k.name], WithoutUser(text))
	}
}

// fileOnly says that a value is too deep for a flag or a variable.
func (k key) fileOnly() bool {
	switch k.field(&Settings{}).(type) {
	case *[][]string, *[]plan.Exception:
		return true
	default:
		return false
	}
}

func (k key) variable() string {
	if k.env != "" {
		return k.env
	}
	return "SLIPWAY_" + strings.ToUpper(strings.ReplaceAll(k.name, "-", "_"))
}

// assign reads what was typed: lists and tables take commas and repetition, lines take
// ends of lines and repetition.
func assign(field any, texts []string) error {
	last := texts[len(texts)-1]
	switch f := field.(type) {
	case *string:
		*f = last
	case *bool:
		b, err := strconv.ParseBool(last)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", last)
		}
		*f = b
	case *[]string:
		*f = split(texts)
	case *Lines:
		*f = lines(texts)
	case *map[string]string:
		*f = map[string]string{}
		for _, item := range split(texts) {
			name, value, ok := strings.Cut(item, "=")
			if !ok || name == "" {
				return fmt.Errorf("%q is not of the form key=value", item)
			}
			(*f)[name] = value
		}
	}
	return nil
}

// split divides at commas. A comma after a backslash belongs to the value.
func split(texts []string) []string {
	var items []string
	for _, text := range texts {
		var item strings.Builder
		for i := 0; i < len(text); i++ {
			switch {
			case text[i] == '\\' && i+1 < len(text) && text[i+1] == ',':
				item.WriteByte(',')
				i++
			case text[i] == ',':
				items = append(items, item.String())
				item.Reset()
			default:
				item.WriteByte(text[i])
			}
		}
		items = append(items, item.String())
	}
	return items
}

// lines divides at ends of lines. Empty lines and those that begin with # do not count,
// as in the lists of GitHub's actions.
func lines(texts []string) Lines {
	var items Lines
	for _, text := range texts {
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				items = append(items, line)
			}
		}
	}
	return items
}
