package pipeline

import (
	"crypto"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"example.com/slipway/ci/attest/sign"
	"example.com/slipway/ci/gocache"
	"example.com/slipway/ci/registry"
)

// vouchers are the key that signs what is carried to other machines, nil without one, and
// those of which one has to have signed what comes from them, nil where anybody may. Who
// signs builds on nothing that somebody else could have written.
type vouchers struct {
	by    *sign.Key
	trust *sign.Trust
}

// vouchers reads the keys once: one with a password is made to be slow to open.
func (p *Pipeline) vouchers(b *Built) (*vouchers, error) {
	if b.vouchers != nil {
		return b.vouchers, nil
	}
	caches, v := b.Plan.Run.Caches, &vouchers{}
	var keys []crypto.PublicKey
	if caches.SignKey != "" {
		var err error
		if v.by, err = (sign.Source{Name: caches.SignKey, Getenv: p.getenv}).Key(); err != nil {
			return nil, err
		}
		keys = append(keys, v.by.Public())
	}
	for _, name := range caches.Keys {
		key, err := sign.Source{Name: name, Getenv: p.getenv}.Public()
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if len(keys) > 0 {
		v.trust = &sign.Trust{Keys: keys}
	}
	b.vouchers = v
	return v, nil
}

// key says what a cache of this build is for.
func (b *Built) key() gocache.Key {
	i := b.Plan.Image
	k := gocache.Key{Release: i.Toolchain, Host: runtime.GOOS + "/" + runtime.GOARCH, Flags: append([]string{}, i.Build.Tags...), Modules: moduleFiles(b)}
	for _, t := range i.Platforms {
		k.Platforms = append(k.Platforms, t.String())
	}
	if i.Build.Debug {
		k.Flags = append(k.Flags, "debug")
	}
	return k
}

// store opens a place of caches.
func (p *Pipeline) store(b *Built, place string, push bool) (gocache.Store, error) {
	if filepath.IsAbs(place) {
		return gocache.Folder(place), nil
	}
	targets := hosts(b)
	if len(targets) == 0 {
		host, _, _ := strings.Cut(place, "/")
		targets = []string{host}
	}
	keychain, err := p.keychainFor(b, targets)
	if err != nil {
		return nil, err
	}
	r, err := registry.Open(place, registry.Options{Push: push, PlainHTTP: b.Plan.Run.Publish.PlainHTTP, Keychain: keychain, Budget: patience})
	if err != nil {
		return nil, err
	}
	return gocache.Repository(r), nil
}

// patience is how long a registry may keep failing before a run goes on without a cache.
const patience = 20 * time.Second

// eventLimit bounds the file that tells what started a job, in bytes.
const eventLimit = 32 << 20

// foreign says why what this run compiled is not for others: somebody else's code is not to
// fill the cache of those who build from this repository.
func (p *Pipeline) foreign() string {
	if !strings.HasPrefix(p.getenv("GITHUB_EVENT_NAME"), "pull_request") {
		return ""
	}
	const unknown = "nobody knows whose pull request this is"
	file, err := os.Open(p.getenv("GITHUB_EVENT_PATH"))
	if err != nil {
		return unknown
	}
	defer file.Close()
	var event struct {
		PullRequest struct {
			Head, Base struct {
				Repo struct {
					FullName string `json:"full_name"`
				} `json:"repo"`
			}
		} `json:"pull_request"`
	}
	if err := json.NewDecoder(io.LimitReader(file, eventLimit)).Decode(&event); err != nil || event.PullRequest.Base.Repo.FullName == "" {
		return unknown
	}
	if event.PullRequest.Head.Repo.FullName != event.PullRequest.Base.Repo.FullName {
		return "this is a pull request from another repository"
	}
	return ""
}
