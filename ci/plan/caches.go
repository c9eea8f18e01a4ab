package plan

// Caches say which caches of the go command are carried from machine to machine.
type Caches struct {
	// From and To are repositories, or folders by their absolute paths.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Limit is the size that a cache may have, compressed, in bytes.
	Limit int64 `json:"limit"`
	// Trusted lets images that are published be built from a restored cache.
	Trusted bool `json:"trusted,omitempty"`
	// Keys are files of public keys, or env:// and variables that have them, of which one
	// has to have signed what is restored. SignKey is the same of the private key that signs
	// what is saved; it is in no record, as Publish.SignKey is not.
	Keys    []string `json:"keys,omitempty"`
	SignKey string   `json:"-"`
}
