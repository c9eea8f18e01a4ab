package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"example.com/slipway/ci/attest"
	"example.com/slipway/ci/attest/sign"
)

// maxReferrers bounds how many attestations of one image or index are looked at: anyone
// who may push can attach more.
const maxReferrers = 100

// parallel is how many attestations are read and checked at a time.
const parallel = 4

// gather reads what is attached to an index and its images and keeps what is signed by
// somebody who counts. An error says that the registry, or what checks signatures,
// cannot be had.
func (c *chain) gather(ctx context.Context, o Options) (*said, error) {
	all := &said{refused: map[string]int{}}
	if o.Verifier == nil && !o.Unsigned {
		all.nobody = true
		return all, nil
	}
	attached, err := c.attached(ctx, all)
	if err != nil {
		return nil, err
	}
	statements, refused := make([]statement, len(attached)), make([]error, len(attached))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i, a := range attached {
		group.Go(func() error {
			statements[i], refused[i] = c.statement(within, a.Descriptor, a.subject, o)
			if _, ok := errors.AsType[*refusal](refused[i]); ok || errors.Is(refused[i], errOther) {
				return nil
			}
			return refused[i]
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i, s := range statements {
		switch r, ok := errors.AsType[*refusal](refused[i]); {
		case ok:
			all.refused[r.why]++
		case refused[i] == nil:
			all.believed = append(all.believed, s)
		}
	}
	return all, nil
}

// attachment is what somebody attached to an image or index.
type attachment struct {
	v1.Descriptor
	subject v1.Hash
}

// attached lists what may be attestations of the index and its images.
func (c *chain) attached(ctx context.Context, all *said) ([]attachment, error) {
	subjects := []v1.Hash{c.digest}
	for _, one := range c.images {
		subjects = append(subjects, one.digest)
	}
	var found []attachment
	for _, subject := range subjects {
		list, err := c.repo.Referrers(ctx, subject.String())
		if err != nil {
			return nil, err
		}
		list = slices.DeleteFunc(slices.Clone(list), func(d v1.Descriptor) bool {
			return !slices.Contains(kinds(), d.ArtifactType)
		})
		all.more += max(0, len(list)-maxReferrers)
		list = list[:min(len(list), maxReferrers)]
		// Registries list them in any order, and in another one each time.
		slices.SortFunc(list, func(a, b v1.Descriptor) int { return strings.Compare(a.Digest.String(), b.Digest.String()) })
		for _, d := range list {
			found = append(found, attachment{d, subject})
		}
	}
	return found, nil
}

// kinds are the artifact types that an attestation may be listed with. Some registries
// say none, and some that of the empty configuration; the manifest itself knows.
func kinds() []string {
	return []string{attest.BundleMediaType, attest.MediaType, "", "application/vnd.oci.empty.v1+json"}
}

// refusal is an attestation that does not count, as a clause about it.
type refusal struct{ why string }

func (r *refusal) Error() string { return r.why }

// errOther is what somebody attached that is no attestation.
var errOther = errors.New("it is something else")

func refuse(format string, args ...any) error { return &refusal{fmt.Sprintf(format, args...)} }

// statement reads one attestation.
func (c *chain) statement(ctx context.Context, d v1.Descriptor, subject v1.Hash, o Options) (statement, error) {
	content, _, err := c.repo.Manifest(ctx, d.Digest.String())
	if isAbsent(err) || isWrong(err) {
		return statement{}, refuse("it is missing, or not what its digest says")
	}
	if err != nil {
		return statement{}, err
	}
	var m v1.Manifest
	if err := json.Unmarshal(content, &m); err != nil || len(m.Layers) != 1 || !slices.Contains(kinds()[:2], string(m.Layers[0].MediaType)) {
		return statement{}, errOther
	}
	text, err := c.repo.Blob(ctx, m.Layers[0].Digest.String(), sign.MaxBundle)
	if isAbsent(err) || isWrong(err) {
		return statement{}, refuse("it is missing, or not what its digest says")
	}
	if err != nil {
		return statement{}, err
	}
	return believe(ctx, text, subject.String(), o)
}
