package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// slowest is the speed at which a blob is still worth waiting for, in bytes a second.
const slowest = 8 << 10

var errNoState = errors.New("it does not say how much has arrived")

// maxChunk bounds what a registry may want as its smallest chunk, in bytes.
const maxChunk = 512 << 20

// session is an upload that the registry has opened. A small blob goes into its last
// request, a large one is sent in chunks before that, so that a broken connection
// costs one chunk. Where a registry takes neither, everything is one stream, as
// docker sends it.
type session struct {
	*upload
	at      *url.URL
	offset  int64 // what the registry has
	chunk   int64
	chunked bool
	streams bool
	closing bool // whether the last request was sent
	lost    bool // whether the registry has to be asked how much it has
}

func newSession(u *upload, at *url.URL, header http.Header) *session {
	s := &session{upload: u, at: at, chunk: u.r.o.Chunk, streams: u.r.streams.Load()}
	if least, err := strconv.ParseInt(header.Get("OCI-Chunk-Min-Length"), 10, 64); err == nil && least > s.chunk {
		s.chunk = min(least, maxChunk)
	}
	s.chunked = !s.streams && u.content.Size > s.chunk
	return s
}

// send sends what the registry does not have yet.
func (s *session) send(ctx context.Context) error {
	if s.lost {
		if err := s.ask(ctx); err != nil {
			return err
		}
	}
	size := s.content.Size
	for (s.chunked || s.streams) && s.offset < size {
		if err := s.patch(ctx); err != nil {
			return err
		}
	}
	s.closing = true
	return s.put(ctx, size-s.offset)
}

// patch sends one chunk, or everything.
func (s *session) patch(ctx context.Context) error {
	n := s.content.Size - s.offset
	header := http.Header{"Content-Type": {"application/octet-stream"}}
	if s.chunked {
		n = min(n, s.chunk)
		header.Set("Content-Range", fmt.Sprintf("%d-%d", s.offset, s.offset+n-1))
	}
	a, err := s.r.once(ctx, call{
		method: http.MethodPatch, url: s.at, header: header, open: s.section(n), size: n,
		want: []int{http.StatusAccepted, http.StatusNoContent, http.StatusCreated}, timeout: s.timeout(n),
	})
	if err != nil {
		return err
	}
	if s.at, err = location(a); err != nil {
		return err
	}
	s.advance(a.header, s.offset+n)
	return nil
}

// advance believes a registry that says how far it has come, within reason.
func (s *session) advance(header http.Header, to int64) {
	if has, ok := rangeEnd(header.Get("Range")); ok && s.chunked && has >= s.offset && has <= to {
		to = has
	}
	if to > s.offset {
		s.patience.progress()
	}
	s.offset = to
}

// put closes the upload with the rest of the blob.
func (s *session) put(ctx context.Context, rest int64) error {
	at := *s.at
	// What is in the query may be signed: it is kept as it is.
	if at.RawQuery != "" {
		at.RawQuery += "&"
	}
	at.RawQuery += "digest=" + url.QueryEscape(s.content.Digest.String())
	c := call{
		method: http.MethodPut, url: &at, header: http.Header{"Content-Type": {"application/octet-stream"}},
		want: []int{http.StatusCreated, http.StatusOK, http.StatusNoContent}, timeout: s.timeout(rest),
	}
	if rest > 0 {
		c.open, c.size = s.section(rest), rest
	}
	a, err := s.r.once(ctx, c)
	if err != nil {
		return err
	}
	return checkDigest(a.header, s.content.Digest)
}

// ask finds out how much of the blob has arrived.
func (s *session) ask(ctx context.Context) error {
	a, err := s.r.once(ctx, call{
		method: http.MethodGet, url: s.at, want: []int{http.StatusNoContent, http.StatusAccepted, http.StatusOK},
	})
	if err != nil && s.r.passes(err) {
		return err
	}
	has, known := int64(0), false
	if err == nil {
		has, known = rangeEnd(a.header.Get("Range"))
	}
	if !known || has > s.content.Size {
		s.session = nil
		return &againError{fmt.Errorf("asking for the state of an upload: %w", errNoState)}
	}
	if a.header.Get("Location") != "" {
		if s.at, err = location(a); err != nil {
			return err
		}
	}
	s.lost, s.offset = false, has
	return nil
}

// timeout is generous: ask.Transport notices when nothing moves.
func (s *session) timeout(n int64) time.Duration {
	return s.r.o.Stall + time.Duration(n/slowest)*time.Second
}

// section gives n bytes from where the upload stands.
func (s *session) section(n int64) func() (io.ReadCloser, error) {
	offset := s.offset
	return func() (io.ReadCloser, error) {
		rc, err := s.content.Open()
		if err != nil {
			return nil, err
		}
		if seeker, ok := rc.(io.Seeker); ok {
			_, err = seeker.Seek(offset, io.SeekStart)
		} else {
			_, err = io.CopyN(io.Discard, rc, offset)
		}
		if err != nil {
			rc.Close()
			return nil, err
		}
		return struct {
			io.Reader
			io.Closer
		}{io.LimitReader(rc, n), rc}, nil
	}
}

// isForm tells of an error that it may be about how a blob was sent, and not about
// the blob or the right to send it.
func (s *session) isForm(err error) bool {
	if hasCode(err, transport.NameInvalidErrorCode, transport.NameUnknownErrorCode, transport.DeniedErrorCode,
		transport.UnauthorizedErrorCode, transport.DigestInvalidErrorCode) {
		return false
	}
	if s.chunked && s.offset > 0 {
		return false
	}
	return hasStatus(err, http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusLengthRequired,
		http.StatusUnsupportedMediaType, http.StatusRequestedRangeNotSatisfiable, http.StatusUnprocessableEntity, http.StatusNotImplemented)
}

// rangeEnd reads a Range header of an upload, 0-LAST, as the number of bytes that
// have arrived. An upload without any has 0-0 at most registries.
func rangeEnd(value string) (int64, bool) {
	first, last, ok := strings.Cut(strings.TrimPrefix(value, "bytes="), "-")
	if !ok || first != "0" {
		return 0, false
	}
	n, err := strconv.ParseUint(last, 10, 62)
	if err != nil {
		return 0, false
	}
	if n == 0 {
		return 0, true
	}
	return int64(n) + 1, true
}
