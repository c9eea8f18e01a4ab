package rig

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Immutable refuses to put a tag a second time, in the words of a registry that does:
// https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
func Immutable() Around {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request, what Request, next http.Handler) {
		if what.Kind != TagPut {
			next.ServeHTTP(w, r)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		head := r.Clone(r.Context())
		head.Method, head.Body, head.ContentLength = http.MethodHead, http.NoBody, 0
		head.Header.Set("Accept", string(types.OCIImageIndex)+", "+string(types.OCIManifestSchema1)+", "+string(types.DockerManifestList)+", "+string(types.DockerManifestSchema2))
		found := httptest.NewRecorder()
		next.ServeHTTP(found, head)
		if found.Code != http.StatusNotFound {
			refuse(w, http.StatusBadRequest, "TAG_INVALID", fmt.Sprintf("The image tag '%s' already exists in the '%s' repository "+
				"and cannot be overwritten because the repository is immutable.", what.Reference, what.Repository))
			return
		}
		next.ServeHTTP(w, r)
	}
}

// Existing knows some repositories only, and makes no other when somebody pushes.
func Existing(repositories ...string) Around {
	known := map[string]bool{"": true}
	for _, name := range repositories {
		known[name] = true
	}
	return func(w http.ResponseWriter, r *http.Request, what Request, next http.Handler) {
		if !known[what.Repository] {
			refuse(w, http.StatusNotFound, "NAME_UNKNOWN", fmt.Sprintf("The repository with name '%s' does not exist in the registry", what.Repository))
			return
		}
		next.ServeHTTP(w, r)
	}
}

// refuse answers with an error of the distribution specification.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"errors":[{"code":%q,"message":%q}]}`, code, message)
}

// Both comes between twice.
func Both(outer, inner Around) Around {
	return func(w http.ResponseWriter, r *http.Request, what Request, next http.Handler) {
		outer(w, r, what, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { inner(w, r, what, next) }))
	}
}

// Hold stops the first request that it is for until somebody lets it go on.
type Hold struct {
	// Arrived is closed when the request is there.
	Arrived chan struct{}

	release chan struct{}
	held    atomic.Bool
	free    sync.Once
}

// NewHold makes one. Release has to be called at the end of the test.
func NewHold() *Hold {
	return &Hold{Arrived: make(chan struct{}), release: make(chan struct{})}
}

// Release lets the request go on.
func (h *Hold) Release() { h.free.Do(func() { close(h.release) }) }

// wait returns when the request may go on; who is not the first is not held.
func (h *Hold) wait() {
	if h.held.CompareAndSwap(false, true) {
		close(h.Arrived)
		<-h.release
	}
}

// Before holds the first request that is wanted before the registry sees it.
func (h *Hold) Before(want func(Request) bool) Around {
	return func(w http.ResponseWriter, r *http.Request, what Request, next http.Handler) {
		if want(what) {
			h.wait()
		}
		next.ServeHTTP(w, r)
	}
}

// After holds the answer to the first request that is wanted.
func (h *Hold) After(want func(Request) bool) Around {
	return func(w http.ResponseWriter, r *http.Request, what Request, next http.Handler) {
		if !want(what) {
			next.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		h.wait()
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	}
}

// Refusing lets nobody write, or make requests of some kinds.
func Refusing(kinds ...Kind) Around {
	return func(w http.ResponseWriter, r *http.Request, what Request, next http.Handler) {
		if slices.Contains(kinds, what.Kind) || len(kinds) == 0 && (what.Kind.Writes() || what.Kind == UploadStart) {
			refuse(w, http.StatusForbidden, "DENIED", "requested access to the resource is denied")
			return
		}
		next.ServeHTTP(w, r)
	}
}
