package registrytest

import (
	"encoding/json"
	"net/http"
	"path"
	"strings"
)

// Kind is what a request is for.
type Kind string

// The kinds.
const (
	Ping           Kind = "ping"
	TokenGet       Kind = "token"
	BlobHead       Kind = "blob HEAD"
	BlobGet        Kind = "blob GET"
	UploadPost     Kind = "upload POST"
	UploadData     Kind = "upload data"
	UploadState    Kind = "upload state"
	ImagePut       Kind = "image PUT"
	IndexPut       Kind = "index PUT"
	IndexHead      Kind = "digest HEAD"
	ReadBack       Kind = "digest GET"
	ReferrersGet   Kind = "referrers GET"
	AttestationPut Kind = "attestation PUT"
	FallbackGet    Kind = "fallback GET"
	FallbackPut    Kind = "fallback PUT"
	TagHead        Kind = "tag HEAD"
	TagGet         Kind = "tag GET"
	TagPut         Kind = "tag PUT"
	TagList        Kind = "tag list"
	Other          Kind = "other"
)

func kindOf(r *http.Request, body []byte) Kind {
	switch p := r.URL.Path; {
	case p == "/v2/":
		return Ping
	case p == "/token":
		return TokenGet
	case strings.Contains(p, "/blobs/uploads/"):
		return uploadKind(r.Method)
	case strings.Contains(p, "/blobs/"):
		return choose(r.Method, map[string]Kind{http.MethodHead: BlobHead, http.MethodGet: BlobGet})
	case strings.Contains(p, "/referrers/"):
		return ReferrersGet
	case strings.HasSuffix(p, "/tags/list"):
		return TagList
	case strings.Contains(p, "/manifests/"):
		return manifestKind(r.Method, path.Base(p), body)
	}
	return Other
}

func choose(method string, kinds map[string]Kind) Kind {
	if kind, ok := kinds[method]; ok {
		return kind
	}
	return Other
}

func uploadKind(method string) Kind {
	return choose(method, map[string]Kind{
		http.MethodPost: UploadPost, http.MethodPatch: UploadData, http.MethodPut: UploadData, http.MethodGet: UploadState,
	})
}

func manifestKind(method, ref string, body []byte) Kind {
	switch {
	case strings.HasPrefix(ref, "sha256-"):
		return choose(method, map[string]Kind{http.MethodGet: FallbackGet, http.MethodPut: FallbackPut, http.MethodHead: FallbackGet})
	case !strings.HasPrefix(ref, "sha256:"):
		return choose(method, map[string]Kind{http.MethodGet: TagGet, http.MethodPut: TagPut, http.MethodHead: TagHead})
	case method == http.MethodPut:
		m := parse(body)
		switch {
		case m.Subject.Digest != "":
			return AttestationPut
		case m.Manifests != nil:
			return IndexPut
		}
		return ImagePut
	}
	return choose(method, map[string]Kind{http.MethodGet: ReadBack, http.MethodHead: IndexHead})
}

type descriptor struct {
	Digest string `json:"digest"`
}

type manifest struct {
	Subject   descriptor   `json:"subject"`
	Config    descriptor   `json:"config"`
	Layers    []descriptor `json:"layers"`
	Manifests []descriptor `json:"manifests"`
}

func parse(body []byte) (m manifest) {
	_ = json.Unmarshal(body, &m)
	return m
}
