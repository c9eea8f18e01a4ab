package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// openVEX is the version of the specification whose documents are read.
const openVEX = "https://openvex.dev/ns/v0.2.0"

// The statuses and justifications of the specification.
const (
	notAffected = "not_affected"
	affected    = "affected"
	fixed       = "fixed"
	underReview = "under_investigation"
)

var (
	statuses       = []string{notAffected, affected, fixed, underReview}
	justifications = []string{
		"component_not_present", "vulnerable_code_not_present", "vulnerable_code_not_in_execute_path",
		"vulnerable_code_cannot_be_controlled_by_adversary", "inline_mitigations_already_exist",
	}
)

// The fields of the specification. A key that it does not know is refused: a misspelt
// "subcomponents" would make a statement speak of the whole product.
type (
	docJSON struct {
		Context     string     `json:"@context"`
		ID          string     `json:"@id"`
		Author      string     `json:"author"`
		Role        string     `json:"role"`
		Timestamp   *time.Time `json:"timestamp"`
		LastUpdated *time.Time `json:"last_updated"`
		Version     int        `json:"version"`
		Tooling     string     `json:"tooling"`
		Supplier    string     `json:"supplier"`
		Statements  []stmtJSON `json:"statements"`
	}
	stmtJSON struct {
		ID              string        `json:"@id"`
		Version         int           `json:"version"`
		Vulnerability   vulnJSON      `json:"vulnerability"`
		Timestamp       *time.Time    `json:"timestamp"`
		LastUpdated     *time.Time    `json:"last_updated"`
		Products        []productJSON `json:"products"`
		Status          string        `json:"status"`
		Supplier        string        `json:"supplier"`
		StatusNotes     string        `json:"status_notes"`
		Justification   string        `json:"justification"`
		ImpactStatement string        `json:"impact_statement"`
		ActionStatement string        `json:"action_statement"`
		ActionTimestamp *time.Time    `json:"action_statement_timestamp"`
	}
	vulnJSON struct {
		ID          string   `json:"@id"`
		Name        string   `json:"name"`
		Description string   `json:"description"`
		Aliases     []string `json:"aliases"`
	}
	partJSON struct {
		ID          string            `json:"@id"`
		Identifiers map[string]string `json:"identifiers"`
		Hashes      map[string]string `json:"hashes"`
		Supplier    string            `json:"supplier"`
	}
	productJSON struct {
		partJSON
		Subcomponents []partJSON `json:"subcomponents"`
	}
)

func decode(text []byte) (docJSON, error) {
	var doc docJSON
	if !utf8.Valid(text) {
		return doc, errors.New("it is not UTF-8")
	}
	// First of all, since a document in another form has other keys.
	var form struct {
		Context string `json:"@context"`
	}
	if err := json.Unmarshal(text, &form); err != nil {
		return doc, err
	}
	if form.Context != openVEX {
		return doc, fmt.Errorf("its @context is %.100q", form.Context)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		return doc, err
	}
	if err := unique(json.NewDecoder(bytes.NewReader(text))); err != nil {
		return doc, err
	}
	for _, field := range []struct {
		name    string
		missing bool
	}{
		{"@id", doc.ID == ""},
		{"author", plain(doc.Author) == ""},
		{"timestamp", doc.Timestamp == nil},
		{"version", doc.Version < 1},
		{"statements", len(doc.Statements) == 0},
	} {
		if field.missing {
			return doc, fmt.Errorf("it has no %s", field.name)
		}
	}
	return doc, nil
}

// unique refuses an object that has a key twice, in whatever case: a reviewer may see
// the one, and the decoder take the other.
func unique(dec *json.Decoder) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	if token != json.Delim('{') && token != json.Delim('[') {
		return nil
	}
	seen := map[string]bool{}
	for dec.More() {
		if token == json.Delim('{') {
			key, err := dec.Token()
			if err != nil {
				return err
			}
			folded := strings.ToLower(fmt.Sprint(key))
			if seen[folded] {
				return fmt.Errorf("the key %.100q is there twice", key)
			}
			seen[folded] = true
		}
		if err := unique(dec); err != nil {
			return err
		}
	}
	_, err = dec.Token()
	return err
}

// validate holds a statement against what the specification demands.
func (s stmtJSON) validate() error {
	switch {
	case strings.TrimSpace(s.Vulnerability.Name) == "":
		return errors.New("its vulnerability has no name")
	case !slices.Contains(statuses, s.Status):
		return fmt.Errorf("its status %.100q is none of %s", s.Status, strings.Join(statuses, ", "))
	case s.Justification != "" && !slices.Contains(justifications, s.Justification):
		return fmt.Errorf("its justification %.100q is none of %s", s.Justification, strings.Join(justifications, ", "))
	case s.Status == notAffected && s.Justification == "" && plain(s.ImpactStatement) == "":
		return errors.New("not_affected needs a justification or an impact_statement")
	case s.Status == affected && s.ActionStatement == "":
		return errors.New("affected needs an action_statement")
	case len(s.Products) == 0:
		return errors.New("it has no products")
	}
	for _, p := range s.Products {
		for _, part := range append([]partJSON{p.partJSON}, p.Subcomponents...) {
			if part.ID == "" && len(part.Identifiers) == 0 && len(part.Hashes) == 0 {
				return errors.New("a product or subcomponent has no identifier")
			}
		}
	}
	return nil
}

// read takes over what findings are held against.
func (s stmtJSON) read(doc VEX, at time.Time) statement {
	read := statement{
		file: doc.File, author: doc.Author, at: at, names: append([]string{s.Vulnerability.Name}, s.Vulnerability.Aliases...),
		status: s.Status, justification: s.Justification, because: plain(s.ImpactStatement),
	}
	if s.Timestamp != nil {
		read.at = *s.Timestamp
	}
	for _, p := range s.Products {
		one := product{purls: p.purls()}
		for _, part := range p.Subcomponents {
			one.parts = append(one.parts, part.purls())
		}
		read.products = append(read.products, one)
	}
	return read
}

// purls are the package URLs of a thing. Other ways to name it are not understood, and
// what only they name is nothing of ours.
func (p partJSON) purls() []purl {
	var all []purl
	for _, text := range []string{p.ID, p.Identifiers["purl"]} {
		if parsed, ok := parsePURL(text); ok {
			all = append(all, parsed)
		}
	}
	return all
}
