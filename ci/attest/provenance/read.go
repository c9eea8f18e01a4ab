package provenance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/plan"
)

// Bounds of what is read. Provenance of 400 modules has 100 kB.
const (
	maxPredicate    = 8 << 20
	maxDependencies = 20_000
	maxDepth        = 32
)

// Parse reads provenance that Slipway wrote. Whoever signed it, its content is checked:
// a field of externalParameters that is not known here is an error, because it may mean
// something (https://slsa.dev/spec/v1.2/verifying-artifacts); elsewhere unknown fields
// are passed over.
func Parse(s *attest.Statement) (*Provenance, error) {
	p, err := parse(s)
	if err != nil {
		return nil, fmt.Errorf("reading the provenance: %w", err)
	}
	return p, nil
}

func parse(s *attest.Statement) (*Provenance, error) {
	switch {
	case s.Type != attest.StatementType:
		return nil, fmt.Errorf("it is in a statement of the type %.100q", s.Type)
	case s.PredicateType != attest.Provenance:
		return nil, fmt.Errorf("the statement is of %.100q", s.PredicateType)
	case len(s.Predicate) > maxPredicate:
		return nil, fmt.Errorf("it has %d bytes, and %d are read", len(s.Predicate), maxPredicate)
	}
	if err := unambiguous(s.Predicate); err != nil {
		return nil, err
	}
	var p Provenance
	if err := p.read(s.Predicate); err != nil {
		return nil, err
	}
	return &p, p.check()
}

// fields is an object by the exact names of its fields: those of a struct would be
// found in whatever case, and another verifier would see none or others.
type fields map[string]json.RawMessage

// get decodes a field if it is there.
func (f fields) get(name string, into any) error {
	if f[name] == nil {
		return nil
	}
	if err := json.Unmarshal(f[name], into); err != nil {
		return fmt.Errorf("its %s: %w", name, err)
	}
	return nil
}

func (p *Provenance) read(text []byte) error {
	var top, definition, details, builder fields
	if err := json.Unmarshal(text, &top); err != nil {
		return err
	}
	d, r := &p.Definition, &p.Details
	if err := errors.Join(
		top.get("buildDefinition", &definition), definition.get("buildType", &d.BuildType),
	); err != nil {
		return err
	}
	// First of all, since another type of build has other parameters.
	if d.BuildType != BuildType {
		return fmt.Errorf("its build type is %.100q, and Slipway's is %s", d.BuildType, BuildType)
	}
	if err := d.External.read(definition["externalParameters"]); err != nil {
		return fmt.Errorf("its externalParameters: %w", err)
	}
	// In this order: the first two fill in what the others are got from.
	for _, get := range []func() error{
		func() error { return top.get("runDetails", &details) },
		func() error { return details.get("builder", &builder) },
		func() error { return builder.get("id", &r.Builder.ID) },
		func() error { return builder.get("version", &r.Builder.Version) },
		func() error { return details.get("metadata", &r.Metadata) },
		func() error { return definition.get("internalParameters", &d.Internal) },
		func() error { return definition.get("resolvedDependencies", &d.Dependencies) },
	} {
		if err := get(); err != nil {
			return err
		}
	}
	return nil
}

// read takes only what this package would write: no field that is not known, none in
// another case, none that is there and says nothing.
func (e *External) read(text []byte) error {
	if len(text) == 0 {
		return errors.New("there are none")
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(e); err != nil {
		return err
	}
	again, err := json.Marshal(e)
	if err != nil {
		return err
	}
	var was, is any
	if err := errors.Join(json.Unmarshal(text, &was), json.Unmarshal(again, &is)); err != nil {
		return err
	}
	if !reflect.DeepEqual(was, is) {
		return errors.New("they are not written as Slipway writes them")
	}
	return nil
}

// commitForm is a full commit id of SHA-1 or SHA-256.
var commitForm = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

func (p *Provenance) check() error {
	source, image := p.Definition.External.Source, p.Definition.External.Plan
	switch {
	case p.Details.Builder.ID == "":
		return errors.New("it names no builder")
	case len(p.Definition.Dependencies) > maxDependencies:
		return fmt.Errorf("it lists %d dependencies, and %d are read", len(p.Definition.Dependencies), maxDependencies)
	case source.Commit != "" && !commitForm.MatchString(source.Commit):
		return fmt.Errorf("%.100q is no commit", source.Commit)
	case source.Repository != "" && Repository(source.Repository) != source.Repository:
		return fmt.Errorf("%.100q is no plain URL of a repository", source.Repository)
	case source.Commit != image.Commit || source.Dirty != image.Dirty:
		return errors.New("source and plan are of different commits")
	case len(image.Mains) == 0 || len(image.Platforms) == 0:
		return errors.New("its plan has no program or no platform")
	}
	return nil
}

// PlanHash is the hash of the plan for one platform, which the image's labels have too.
// It is empty for a platform that was not built.
func (p *Provenance) PlanHash(platform plan.Platform) string {
	image := p.Definition.External.Plan
	for _, built := range image.Platforms {
		if built == platform {
			return image.Hash(platform)
		}
	}
	return ""
}

// unambiguous refuses an object that has a key twice: one reader may take the one and
// another the other.
func unambiguous(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := unique(dec, 0); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows it")
	}
	return nil
}

func unique(dec *json.Decoder, depth int) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	if token != json.Delim('{') && token != json.Delim('[') {
		return nil
	}
	if depth > maxDepth {
		return fmt.Errorf("it has more than %d objects in each other", maxDepth)
	}
	seen := map[string]bool{}
	for dec.More() {
		if token == json.Delim('{') {
			key, err := dec.Token()
			if err != nil {
				return err
			}
			name := fmt.Sprint(key)
			if seen[name] {
				return fmt.Errorf("the key %.100q is there twice", name)
			}
			seen[name] = true
		}
		if err := unique(dec, depth+1); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}
