package receipt

// Publication is what became of one image in one repository. It is told also where
// publishing ended in its middle.
type Publication struct {
	// Image is the name of the image in the plan.
	Image string `json:"image"`
	// Repository has its registry's host: ghcr.io/team/server.
	Repository string `json:"repository"`
	// Digest is the index's, as it was read back.
	Digest string `json:"digest"`
	// State says how far it came.
	State PublicationState `json:"state"`
	// Fault and Fix say why it came no further.
	Fault string `json:"fault,omitempty"`
	Fix   string `json:"fix,omitempty"`
	Tags  []Tag  `json:"tags,omitempty"`
	// Attestations are what is said of the image, attached as referrers.
	Attestations []Attestation `json:"attestations,omitempty"`
	// Referrers says how the registry keeps them: api, or tag where it has no referrers API.
	Referrers string `json:"referrers,omitempty"`
	// Uploaded, Mounted and Present count blobs: sent, taken from another repository of
	// the registry, and there already. Bytes are those that were sent.
	Uploaded int   `json:"uploaded"`
	Mounted  int   `json:"mounted"`
	Present  int   `json:"present"`
	Bytes    int64 `json:"bytes"`
}

// PublicationState is how far a publication came.
type PublicationState string

// The states of a publication.
const (
	// Planned is what would be done: nothing was.
	Planned PublicationState = "planned"
	// Published is complete, and every tag points where it should.
	Published PublicationState = "published"
	// Unchanged was complete before.
	Unchanged PublicationState = "unchanged"
	// Incomplete ended before its last tag. Running it again goes on.
	Incomplete PublicationState = "incomplete"
)

// Tag is one tag of a publication.
type Tag struct {
	// Name is without its repository.
	Name string `json:"name"`
	// Moving tags, as latest, follow releases or branches. The others stay.
	Moving bool `json:"moving,omitempty"`
	// Before is the digest that it pointed to, or empty.
	Before  string     `json:"before,omitempty"`
	Outcome TagOutcome `json:"outcome"`
	// Why says why it was kept where it is.
	Why string `json:"why,omitempty"`
}

// TagOutcome is what became of a tag.
type TagOutcome string

// The outcomes of a tag.
const (
	TagCreated TagOutcome = "created"
	TagMoved   TagOutcome = "moved"
	// TagUnchanged pointed to the image before.
	TagUnchanged TagOutcome = "unchanged"
	// TagKept stays with another image, as latest does with a higher release.
	TagKept TagOutcome = "kept"
	// TagOpen was not reached.
	TagOpen TagOutcome = "open"
)

// Attestation is one thing that is said of an image.
type Attestation struct {
	// Subject is the digest of the image or index that it speaks of.
	Subject string `json:"subject"`
	// Type is the predicate type.
	Type string `json:"type"`
	// Digest is that of its manifest, or empty where it was not attached.
	Digest string `json:"digest,omitempty"`
	// Signed says by whom: the name of a key or an identity. Empty is unsigned.
	Signed string `json:"signed,omitempty"`
	// Outcome is attached, present, failed, or open where it was not reached.
	Outcome string `json:"outcome"`
	// Why says why it failed.
	Why string `json:"why,omitempty"`
}
