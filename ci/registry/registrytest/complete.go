package registrytest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"
)

// remember notes what refers to what.
func (s *Server) remember(req *Request) {
	if req.Kind != AttestationPut {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	subject := parse(req.Body).Subject.Digest
	s.subjects[subject] = append(s.subjects[subject], digestOf(req.Body))
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// check notes what a tag lacks that was just written.
func (s *Server) check(req *Request) {
	if req.Kind != TagPut {
		return
	}
	repository := strings.TrimSuffix(req.URL.Path, "/manifests/"+path.Base(req.URL.Path))
	missing := s.Missing(repository, req.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, what := range missing {
		s.broken = append(s.broken, fmt.Sprintf("request %d, %s: %s", req.N, req.URL.Path, what))
	}
}

// Missing returns what an index lacks in a repository, as in /v2/team/server.
func (s *Server) Missing(repository string, index []byte) []string {
	var missing []string
	need := func(what, at string) []byte {
		answer := s.Get(repository + at)
		if answer.Code != http.StatusOK {
			missing = append(missing, fmt.Sprintf("%s %s is HTTP %d", what, at, answer.Code))
		}
		return answer.Body.Bytes()
	}
	for _, child := range parse(index).Manifests {
		image := parse(need("image", "/manifests/"+child.Digest))
		for _, blob := range append(image.Layers, image.Config) {
			need("blob", "/blobs/"+blob.Digest)
		}
	}
	digest := digestOf(index)
	need("index", "/manifests/"+digest)
	list := s.listed(repository, digest)
	s.mu.Lock()
	attested := append([]string(nil), s.subjects[digest]...)
	s.mu.Unlock()
	n := 0
	for _, a := range attested {
		content := parse(need("attestation", "/manifests/"+a))
		for _, blob := range append(content.Layers, content.Config) {
			need("blob", "/blobs/"+blob.Digest)
		}
		if strings.Contains(list, a) {
			n++
		}
	}
	if n < s.o.Attestations {
		missing = append(missing, fmt.Sprintf("%d of %d attestations are listed", n, s.o.Attestations))
	}
	return missing
}

// listed returns the list of referrers, of whichever kind the registry has.
func (s *Server) listed(repository, digest string) string {
	if s.o.NoReferrers {
		return s.Get(repository + "/manifests/" + strings.Replace(digest, ":", "-", 1)).Body.String()
	}
	return s.Get(repository + "/referrers/" + digest).Body.String()
}
