package plan

// Tag is a name that an image gets in a repository.
type Tag struct {
	// Name is without its repository.
	Name string `json:"name"`
	// Moving says that later images take the tag over. One that does not move is one
	// image's for ever.
	Moving bool `json:"moving,omitempty"`
	// Follows is what the tag stands for, in words: version v1.2.3, releases of v1.2,
	// branch main.
	Follows string `json:"follows"`
}

// What an attestation does that a registry does not take: it fails the run, is noted,
// or is not made for that registry.
const (
	AttestFail = "fail"
	AttestWarn = "warn"
	AttestOff  = "off"
)

// Publish is how repositories are written to. It is for whoever runs Slipway to say, not
// for a source.
type Publish struct {
	// Overwrite lets a tag that does not move get another image.
	Overwrite bool `json:"overwrite,omitempty"`
	// TokenFiles have the token of a registry, by its host. They are in no record, and
	// neither is SignKey: somebody may have written a secret in its file's place.
	TokenFiles map[string]string `json:"-"`
	// PlainHTTP are registries that are asked without TLS.
	PlainHTTP []string `json:"plainHTTP,omitempty"`
	// Attest is AttestFail, AttestWarn or AttestOff for a registry, by its host.
	Attest map[string]string `json:"attest,omitempty"`
	// Sign is auto, key, keyless or off.
	Sign string `json:"sign"`
	// SignKey is the file of the private key, or env:// and the variable that has it,
	// or "".
	SignKey string `json:"-"`
	// SigningConfig and TrustedRoot are Sigstore's files that say where to sign without a
	// key. Empty is Sigstore's public instance.
	SigningConfig string `json:"signingConfig,omitempty"`
	TrustedRoot   string `json:"trustedRoot,omitempty"`
}

// Attestation is AttestFail, AttestWarn or AttestOff for a registry, by its host.
func (p Publish) Attestation(host string) string {
	said := p.Attest[host]
	// Docker Hub has two names, and libraries use the long one.
	if said == "" && host == "index.docker.io" {
		said = p.Attest["docker.io"]
	}
	if said == "" {
		return AttestFail
	}
	return said
}
