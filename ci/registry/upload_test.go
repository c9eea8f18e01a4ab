package registry_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/registry"
)

// uploads is a registry that takes one blob, in the ways that it is told to.
type uploads struct {
	noChunks, noPut, noState bool
	// breaks are the requests with data, counted from 1, that break off in their middle;
	// what arrived until then stays.
	breaks map[int]bool

	mu   sync.Mutex
	has  []byte
	n    int
	log  []string
	done bool
}

func (u *uploads) serve(w http.ResponseWriter, req *http.Request) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if req.URL.Path == "/v2/" {
		return
	}
	u.log = append(u.log, req.Method+" "+req.Header.Get("Content-Range"))
	body, _ := io.ReadAll(req.Body)
	switch req.Method {
	case http.MethodHead:
		w.WriteHeader(http.StatusNotFound)
	case http.MethodPost:
		u.has = nil
		w.Header().Set("Location", "/upload?state=a%2Fb")
		w.WriteHeader(http.StatusAccepted)
	case http.MethodGet:
		if u.noState {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Range", "0-"+strconv.Itoa(max(len(u.has)-1, 0)))
		w.WriteHeader(http.StatusNoContent)
	case http.MethodPatch:
		u.patch(w, req, body)
	case http.MethodPut:
		if u.noPut && len(body) > 0 {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		u.has, u.done = append(u.has, body...), true
		w.WriteHeader(http.StatusCreated)
	}
}

func (u *uploads) patch(w http.ResponseWriter, req *http.Request, body []byte) {
	at := req.Header.Get("Content-Range")
	if u.noChunks && at != "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if at != "" && !strings.HasPrefix(at, strconv.Itoa(len(u.has))+"-") {
		w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		return
	}
	if u.n++; u.breaks[u.n] {
		u.has = append(u.has, body[:len(body)/2]...)
		conn, _, _ := http.NewResponseController(w).Hijack()
		conn.Close()
		return
	}
	u.has = append(u.has, body...)
	w.Header().Set("Location", fmt.Sprintf("/upload?state=%d", len(u.has)))
	w.Header().Set("Range", "0-"+strconv.Itoa(len(u.has)-1))
	w.WriteHeader(http.StatusAccepted)
}

func TestUpload_FindsTheWayThatARegistryTakes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		u     *uploads
		chunk int64
		want  string
	}{
		{"small", &uploads{}, 1000, "HEAD |POST |PUT "},
		{"small, no body in the last request", &uploads{noPut: true}, 1000, "HEAD |POST |PUT |POST |PATCH |PUT "},
		{"chunks", &uploads{}, 40, "HEAD |POST |PATCH 0-39|PATCH 40-79|PATCH 80-99|PUT "},
		{"no chunks", &uploads{noChunks: true}, 40, "HEAD |POST |PATCH 0-39|POST |PATCH |PUT "},
		{"broken", &uploads{breaks: map[int]bool{2: true}}, 40, "HEAD |POST |PATCH 0-39|PATCH 40-79|GET |PATCH 60-99|PUT "},
		{"broken at first", &uploads{breaks: map[int]bool{1: true}}, 40, "HEAD |POST |PATCH 0-39|GET |PATCH 20-59|PATCH 60-99|PUT "},
		{"broken twice", &uploads{breaks: map[int]bool{2: true, 3: true}}, 40, "HEAD |POST |PATCH 0-39|PATCH 40-79|GET |PATCH 60-99|GET |PATCH 80-99|PUT "},
		{"broken, nobody knows where", &uploads{noState: true, breaks: map[int]bool{2: true}}, 40,
			"HEAD |POST |PATCH 0-39|PATCH 40-79|GET |POST |PATCH 0-39|PATCH 40-79|PATCH 80-99|PUT "},
		{"stream broken", &uploads{noChunks: true, breaks: map[int]bool{1: true}}, 40,
			"HEAD |POST |PATCH 0-39|POST |PATCH |POST |PATCH |PUT "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			content := bytes.Repeat([]byte("0123456789"), 10)
			r := open(t, serve(t, tt.u.serve), func(o *registry.Options) { o.Chunk = tt.chunk })
			outcome, err := r.Upload(t.Context(), blob(content), "")
			require.NoError(t, err)
			require.Equal(t, registry.Uploaded, outcome)
			require.Equal(t, tt.want, strings.Join(tt.u.log, "|"))
			require.Equal(t, content, tt.u.has)
		})
	}
}

func TestUpload_OfNothingHasNoBody(t *testing.T) {
	t.Parallel()
	u := &uploads{}
	_, err := open(t, serve(t, u.serve), nil).Upload(t.Context(), blob(nil), "")
	require.NoError(t, err)
	require.True(t, u.done)
}
