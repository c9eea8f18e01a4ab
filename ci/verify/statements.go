package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/attest/sign"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plain"
)

// statement is a statement that is believed.
type statement struct {
	*attest.Statement
	// to is the digest of the image or index that it is about and attached to.
	to string
	by sign.Identity
}

// said is everything that is said of an image.
type said struct {
	// nobody says that there is nobody to believe.
	nobody   bool
	believed []statement
	// refused counts, for each reason, what is attached and not believed, and first is
	// one of them in full.
	refused map[string]int
	more    int
}

// believe checks a statement's signature, or, where nobody's is asked for, only whom it
// is about.
func believe(ctx context.Context, text []byte, subject string, o Options) (statement, error) {
	claim := sign.Claim{Subject: subject}
	if o.Unsigned {
		s, err := unsigned(text)
		if err == nil {
			err = claim.Check(s)
		}
		if err != nil {
			return statement{}, refuse("%s", clause(err))
		}
		return statement{Statement: s, to: subject}, nil
	}
	s, by, err := o.Verifier.Verify(ctx, text, claim)
	if err == nil {
		return statement{Statement: s, to: subject, by: by}, nil
	}
	// What is said to the user is of this machine; anything else is about the bundle.
	if _, ok := errors.AsType[*fault.Error](err); ok || ctx.Err() != nil {
		return statement{}, err
	}
	return statement{}, refuse("%s", clause(err))
}

// clause shortens what is said of an attestation that somebody else made.
func clause(err error) string { return brief(err.Error()) }

func brief(text string) string {
	text = plain.Line(text)
	return strings.ToValidUTF8(text[:min(len(text), 300)], "")
}

// unsigned reads a statement whose signature nobody asks for.
func unsigned(text []byte) (*attest.Statement, error) {
	var b struct {
		Envelope *struct {
			Payload []byte `json:"payload"`
		} `json:"dsseEnvelope"`
	}
	if err := json.Unmarshal(text, &b); err == nil && b.Envelope != nil {
		text = b.Envelope.Payload
	}
	return sign.ParseStatement(text)
}

// of returns what is believed of a predicate type about an image or index.
func (s *said) of(predicateType, to string) []statement {
	var list []statement
	for _, one := range s.believed {
		if one.PredicateType == predicateType && one.to == to {
			list = append(list, one)
		}
	}
	return list
}

// why says why there is nothing more.
func (s *said) why() string {
	if len(s.refused) == 0 {
		return "nothing else is attached to it"
	}
	var parts []string
	for _, why := range slices.Sorted(maps.Keys(s.refused)) {
		parts = append(parts, fmt.Sprintf("of %s: %s", plain.Count(s.refused[why], "attestation"), why))
	}
	if len(parts) > 3 {
		parts = append(parts[:3], "and so on")
	}
	if s.more > 0 {
		parts = append(parts, fmt.Sprintf("%d more were not looked at", s.more))
	}
	return strings.Join(parts, "; ")
}

// signature says who signed the index.
func (s *said) signature(r *Report, o Options) {
	switch list := s.of(attest.Signature, r.Digest); {
	case s.nobody:
		r.failed(CheckSignature, "name a key with --key, or an identity with --identity and --issuer, or a policy with --policy; --insecure-unsigned looks at an image that nobody signed",
			"nobody said whose signature counts")
	case o.Unsigned:
		r.skipped(CheckSignature, "--insecure-unsigned: it may be anybody's, and so may be what is said of it")
	case len(list) > 0:
		r.passed(CheckSignature, "signed by %s", signers(list))
	case !o.Trust.Requires(CheckSignature):
		r.skipped(CheckSignature, "the policy does not ask for one")
	default:
		r.failed(CheckSignature, "sign it with a key or identity that counts, or say that another counts: publish signs what it publishes",
			"nobody whose signature counts signed it; "+s.why())
	}
}

// signers names who signed, each once.
func signers(list []statement) string {
	var names []string
	for _, one := range list {
		if name := signer(one.by); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, " and ")
}

func signer(by sign.Identity) string {
	switch {
	case by.Key != "":
		return "the key " + by.Key
	case by.Name != "":
		return by.Name + " (" + by.Issuer + ")"
	}
	return "nobody"
}

// listed are the statements as a report has them.
func (s *said) listed() []Statement {
	var list []Statement
	for _, one := range s.believed {
		l := Statement{Type: one.PredicateType, Subject: one.to, Key: one.by.Key, Identity: one.by.Name, Issuer: one.by.Issuer}
		if !one.by.Time.IsZero() {
			t := one.by.Time.UTC()
			l.Signed = &t
		}
		list = append(list, l)
	}
	return list
}
