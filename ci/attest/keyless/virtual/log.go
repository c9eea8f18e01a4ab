package virtual

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// transparencyLog is a Merkle tree of entries.
type transparencyLog struct {
	key *ecdsa.PrivateKey

	mu     sync.Mutex
	leaves [][]byte
}

func newLog() (*transparencyLog, error) {
	key, err := newKey()
	return &transparencyLog{key: key}, err
}

// maxEntry bounds what is added, in bytes.
const maxEntry = 16 << 20

// addEntry is Rekor's. https://github.com/sigstore/rekor/blob/main/openapi.yaml
func (s *Sigstore) addEntry(w http.ResponseWriter, r *http.Request) {
	var proposed struct {
		Kind string
		Spec struct {
			ProposedContent struct {
				Envelope  string
				Verifiers []string
			}
		}
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, maxEntry)).Decode(&proposed); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	content := proposed.Spec.ProposedContent
	body, err := entry(content.Envelope, content.Verifiers)
	if err != nil || proposed.Kind != "dsse" {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("an entry of kind %q: %v", proposed.Kind, err))
		return
	}
	id, text, err := s.log.add(body, s.time().Unix())
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("ETag", id)
	w.Header().Set("Location", "/api/v1/log/entries/"+id)
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(text)
}

// entry is what the log keeps of an envelope, in canonical JSON.
// https://github.com/sigstore/rekor/tree/main/pkg/types/dsse
func entry(envelope string, verifiers []string) ([]byte, error) {
	var e struct {
		Payload    []byte
		Signatures []struct{ Sig string }
	}
	if err := json.Unmarshal([]byte(envelope), &e); err != nil {
		return nil, err
	}
	if len(verifiers) != 1 || len(e.Signatures) != 1 {
		return nil, fmt.Errorf("%d verifiers for %d signatures", len(verifiers), len(e.Signatures))
	}
	hash := func(b []byte) object {
		sum := sha256.Sum256(b)
		return object{"algorithm": "sha256", "value": hex.EncodeToString(sum[:])}
	}
	return encode(object{"apiVersion": "0.0.1", "kind": "dsse", "spec": object{
		"envelopeHash": hash([]byte(envelope)), "payloadHash": hash(e.Payload),
		"signatures": []object{{"signature": e.Signatures[0].Sig, "verifier": verifiers[0]}},
	}}), nil
}

// add appends an entry and answers with the proof that it is in the log.
func (l *transparencyLog) add(body []byte, now int64) (id string, answer []byte, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leaves = append(l.leaves, hashed(0, body))
	index, size := len(l.leaves)-1, len(l.leaves)
	top := root(l.leaves)
	checkpoint, err := l.checkpoint(size, top)
	if err != nil {
		return "", nil, err
	}
	promised := object{"body": base64.StdEncoding.EncodeToString(body), "integratedTime": now, "logID": hex.EncodeToString(keyID(l.key)), "logIndex": index}
	promise, err := signature(l.key, encode(promised))
	if err != nil {
		return "", nil, err
	}
	hashes := []string{}
	for _, h := range proof(l.leaves, index) {
		hashes = append(hashes, hex.EncodeToString(h))
	}
	promised["verification"] = object{
		"signedEntryTimestamp": promise,
		"inclusionProof":       object{"checkpoint": checkpoint, "hashes": hashes, "logIndex": index, "rootHash": hex.EncodeToString(top), "treeSize": size},
	}
	id = hex.EncodeToString(l.leaves[index])
	return id, encode(object{id: promised}), nil
}

// checkpoint is a signed note about the tree. https://c2sp.org/tlog-checkpoint
func (l *transparencyLog) checkpoint(size int, top []byte) (string, error) {
	note := fmt.Sprintf("virtual.example.com - 1\n%d\n%s\n", size, base64.StdEncoding.EncodeToString(top))
	sig, err := signature(l.key, []byte(note))
	if err != nil {
		return "", err
	}
	named := append(bytes.Clone(keyID(l.key)[:4]), sig...)
	return note + "\n\u2014 virtual.example.com " + base64.StdEncoding.EncodeToString(named) + "\n", nil
}

// hashed is the hash of a leaf, with 0, or of a node, with 1.
// https://www.rfc-editor.org/rfc/rfc6962#section-2.1
func hashed(kind byte, parts ...[]byte) []byte {
	sum := sha256.Sum256(append([]byte{kind}, bytes.Join(parts, nil)...))
	return sum[:]
}

// split is the largest power of two below n.
func split(n int) int {
	k := 1
	for k*2 < n {
		k *= 2
	}
	return k
}

func root(leaves [][]byte) []byte {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := split(len(leaves))
	return hashed(1, root(leaves[:k]), root(leaves[k:]))
}

// proof are the hashes beside the way from a leaf to the root.
func proof(leaves [][]byte, index int) [][]byte {
	if len(leaves) == 1 {
		return nil
	}
	k := split(len(leaves))
	if index < k {
		return append(proof(leaves[:k], index), root(leaves[k:]))
	}
	return append(proof(leaves[k:], index-k), root(leaves[:k]))
}
