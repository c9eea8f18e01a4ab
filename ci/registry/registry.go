// Package registry is the client of one repository in a registry. It reads and
// writes with a patience of minutes, sends each blob once, and says in a sentence
// what a registry refuses. ci/registry/publish makes a transaction of it.
package registry

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"example.com/slipway/ci/fault"
)

// ErrNotFound is in the chain of the error for content or a tag that a repository
// does not have.
var ErrNotFound = errors.New("the repository does not have it")

// isName is the grammar of a repository's name below its registry, which
// go-containerregistry holds less strictly.
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
var isName = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)

// ErrContent is in the chain of the error for an answer that has another digest than its
// own, or is larger than what was asked for can be.
var ErrContent = errors.New("the registry gives something else")

// Clock is the time that retries go by.
type Clock interface {
	Now() time.Time
	// Sleep returns the context's error if that ends first.
	Sleep(ctx context.Context, d time.Duration) error
}

// Options say how a repository is asked. The zero value reads without credentials.
type Options struct {
	// Push asks for the right to push. The default is to read only.
	Push bool
	// Keychain has the credentials of registries. The default is to have none. An
	// authenticator that has a method Source() string is called by that name in errors.
	Keychain authn.Keychain
	// From are names of repositories that may have the same blobs. Those of the same
	// registry are asked for the right to read, so that blobs can be mounted from them.
	From []string
	// PlainHTTP are the hosts, with their port, that may be asked without TLS. This
	// machine may always.
	PlainHTTP []string
	// Transport sends the requests. The default is http.DefaultTransport.
	Transport http.RoundTripper
	// Budget is how long one operation goes on after failures that may pass, counted
	// from its last progress. The default is 5 minutes.
	Budget time.Duration
	// Wait is how long the first answer of a registry may take. The default is 15 seconds.
	Wait time.Duration
	// Stall is how long a registry may then neither take nor send anything, and how
	// long a request without a blob may take. The default is one minute.
	Stall time.Duration
	// Chunk is the size in bytes from which a blob is sent in several requests. The
	// default is 32 MiB.
	Chunk int64
	// Clock is the time that retries go by. The default is the system's.
	Clock Clock
	// Random gives numbers from 0 up to 1 for the pauses between retries. The default
	// is math/rand/v2. It is called from several goroutines.
	Random func() float64
}

func (o Options) withDefaults() Options {
	o.Keychain = cmp.Or[authn.Keychain](o.Keychain, authn.NewMultiKeychain())
	o.Transport = cmp.Or(o.Transport, http.DefaultTransport)
	o.Budget = cmp.Or(o.Budget, 5*time.Minute)
	o.Wait = cmp.Or(o.Wait, 15*time.Second)
	o.Stall = cmp.Or(o.Stall, time.Minute)
	o.Chunk = cmp.Or(o.Chunk, 32<<20)
	o.Clock = cmp.Or[Clock](o.Clock, system{})
	if o.Random == nil {
		o.Random = rand.Float64
	}
	return o
}

type system struct{}

func (system) Now() time.Time { return time.Now() }

func (system) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Repository is one repository of a registry. Its methods may be called from several
// goroutines; errors that the user can act on are *fault.Error of kind Registry.
type Repository struct {
	repo  name.Repository
	from  []name.Repository
	plain bool
	o     Options

	answered atomic.Bool // whether any HTTP answer came
	streams  atomic.Bool // whether blobs have to be sent as one stream

	mu        sync.Mutex
	client    *http.Client // nil until the first request
	source    string       // where the credentials came from, or empty
	narrow    bool         // whether the right to read From was refused
	referrers Mode
}

// Open returns the client of a repository, as in ghcr.io/team/server. It asks nobody
// yet. A name that no registry could have is a *fault.Error of kind Usage.
func Open(repository string, o Options) (*Repository, error) {
	repo, err := name.NewRepository(repository)
	if err != nil || !isName.MatchString(repo.RepositoryStr()) {
		return nil, fault.New(fault.Usage, "%q is not the name of a repository", repository).WithCause(err).
			WithFix("write HOST/NAME in lower case, without a tag, as in ghcr.io/team/server")
	}
	r := &Repository{repo: repo, o: o.withDefaults()}
	host := repo.RegistryStr()
	r.plain = isThisMachine(host) || slices.Contains(o.PlainHTTP, host)
	if r.plain {
		if r.repo.Registry, err = name.NewRegistry(host, name.Insecure); err != nil {
			return nil, err
		}
	}
	for _, other := range o.From {
		from, err := name.NewRepository(other)
		if err == nil && from.RegistryStr() == host && from.RepositoryStr() != repo.RepositoryStr() {
			r.from = append(r.from, from)
		}
	}
	return r, nil
}

func isThisMachine(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// String returns the repository's name with its registry.
func (r *Repository) String() string { return r.repo.Name() }

// Registry returns the host of the registry.
func (r *Repository) Registry() string { return r.repo.RegistryStr() }

// CredentialSource says where the credentials came from that were used, or is empty.
func (r *Repository) CredentialSource() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.source
}
