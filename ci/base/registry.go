package base

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"example.com/slipway/ci/ask"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
)

// attempts is how often a request is sent whose failure may pass.
const attempts = 3

// kind is what a digest stands for, in the words of the messages.
type kind string

const (
	kindManifest kind = "manifest"
	kindConfig   kind = "configuration"
	kindLayer    kind = "layer"
)

// path is the part of the distribution API that serves a kind.
func (k kind) path() string {
	if k == kindManifest {
		return "manifests"
	}
	return "blobs"
}

// registry asks one repository for content by its digest, and for nothing else.
type registry struct {
	pin plan.Pin
	// home is the registry's host in the pin, repo is what is asked: the same, or
	// the repository of that name on a mirror.
	home     string
	repo     name.Repository
	keychain authn.Keychain
	watch    *ask.Transport
	pause    time.Duration
	asked    atomic.Bool // whether anything was sent
	known    atomic.Bool // whether credentials are sent

	mu     sync.Mutex
	client *http.Client // nil until the first request: a warm build asks nobody
}

func newRegistry(r Request) (*registry, error) {
	repo, err := name.NewRepository(r.Pin.Name)
	if err != nil {
		return nil, fault.New(fault.Usage, "base %s has a name that no registry could serve", r.Pin).WithCause(err).
			WithFix("write it as name:tag@sha256:...")
	}
	asked := &registry{
		pin: r.Pin, home: repo.RegistryStr(), repo: repo, keychain: r.Keychain, pause: r.Pause,
		watch: &ask.Transport{Inner: r.Transport, Wait: r.Wait, Stall: r.Stall},
	}
	asked.repo, err = ask.Place(repo, r.Mirrors)
	return asked, err
}

// document returns a small file. All of it has to come within the stall time.
func (r *registry) document(ctx context.Context, k kind, want v1.Hash, limit int64) ([]byte, error) {
	var data []byte
	err := r.get(ctx, k, want, func(resp *http.Response) (err error) {
		data, err = io.ReadAll(io.LimitReader(resp.Body, limit+1))
		if err != nil {
			return err
		}
		if int64(len(data)) > limit {
			return &tooLargeError{limit: limit}
		}
		sum := sha256.Sum256(data)
		if got := hex.EncodeToString(sum[:]); got != want.Hex {
			return &mismatchError{got: v1.Hash{Algorithm: "sha256", Hex: got}, page: isPage(resp, data)}
		}
		return nil
	})
	return data, err
}

// layer downloads a layer into the cache. It may take as long as bytes keep coming.
func (r *registry) layer(ctx context.Context, want v1.Hash, size int64, to store) error {
	return r.get(ctx, kindLayer, want, func(resp *http.Response) error {
		err := to.put(want, size, resp.Body)
		if wrong, ok := errors.AsType[*mismatchError](err); ok {
			wrong.page = isPage(resp, nil)
		}
		return err
	})
}

// isPage tells whether somebody answered for the registry with a page for people.
func isPage(resp *http.Response, data []byte) bool {
	return strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") || bytes.HasPrefix(bytes.TrimSpace(data), []byte("<"))
}

// get sends a request until use succeeds with the answer, at most three times. Its
// errors are sentences.
func (r *registry) get(ctx context.Context, k kind, h v1.Hash, use func(*http.Response) error) error {
	pause := r.pause
	for n := 1; ; n++ {
		err := r.try(ctx, k, h, use)
		if err == nil {
			return nil
		}
		if n == attempts || !passes(err) {
			return r.explain(ctx, k, h, err)
		}
		select {
		case <-ctx.Done():
			return r.explain(ctx, k, h, err)
		case <-time.After(pause):
		}
		pause *= 3
	}
}

func (r *registry) try(ctx context.Context, k kind, h v1.Hash, use func(*http.Response) error) error {
	client, err := r.connect(ctx)
	if err != nil {
		return err
	}
	if k != kindLayer {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, r.watch.Stall, ask.ErrStalled)
		defer cancel()
	}
	req, err := r.request(ctx, k, h)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := transport.CheckError(resp, http.StatusOK); err != nil {
		return err
	}
	return use(resp)
}

func (r *registry) request(ctx context.Context, k kind, h v1.Hash) (*http.Request, error) {
	u := url.URL{Scheme: r.repo.Scheme(), Host: r.repo.RegistryStr()}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.JoinPath("v2", r.repo.RepositoryStr(), k.path(), h.String()).String(), nil)
	if err != nil {
		return nil, err
	}
	if k == kindManifest {
		for _, t := range []types.MediaType{types.OCIImageIndex, types.DockerManifestList, types.OCIManifestSchema1, types.DockerManifestSchema2} {
			req.Header.Add("Accept", string(t))
		}
	}
	return req, nil
}

// connect finds out, before the first request, how the registry wants to be asked.
func (r *registry) connect(ctx context.Context) (*http.Client, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client != nil {
		return r.client, nil
	}
	r.asked.Store(true)
	auth, err := r.credentials(ctx)
	if err != nil {
		return nil, &credentialsError{err}
	}
	r.known.Store(auth != authn.Anonymous)
	ctx, cancel := context.WithTimeoutCause(ctx, r.watch.Wait+r.watch.Stall, ask.ErrStalled)
	defer cancel()
	asks, err := transport.NewWithContext(ctx, r.repo.Registry, auth,
		transport.NewUserAgent(&ask.Realm{Inner: r.watch, Registry: r.repo.RegistryStr()}, "slipway"), []string{r.repo.Scope(transport.PullScope)})
	if err != nil {
		return nil, err
	}
	r.client = &http.Client{Transport: asks, CheckRedirect: ask.CheckRedirect}
	return r.client, nil
}

// credentials are read before anything is sent, so that what a credential helper
// prints when it breaks down is not taken for an answer of the registry.
func (r *registry) credentials(ctx context.Context) (authn.Authenticator, error) {
	auth, err := authn.Resolve(ctx, r.keychain, r.repo)
	if err != nil {
		return nil, err
	}
	config, err := authn.Authorization(ctx, cmp.Or(auth, authn.Anonymous))
	if err != nil {
		return nil, err
	}
	if *config == (authn.AuthConfig{}) {
		return authn.Anonymous, nil
	}
	return authn.FromConfig(*config), nil
}
