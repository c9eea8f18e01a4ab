package server

import (
	"cmp"
	"net/http"
	"time"
)

// logged writes one record per answered request. It leaves the query out: a URL
// that is to be fetched may hold a secret.
func (s *Server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := s.now()
		m := &meter{ResponseWriter: w}
		next.ServeHTTP(m, r)
		s.log.InfoContext(r.Context(), "request",
			"method", r.Method,
			"path", r.URL.Path,
			"status", cmp.Or(m.status, http.StatusOK),
			"duration_ms", float64(s.now().Sub(start))/float64(time.Millisecond),
			"bytes", m.bytes)
	})
}

// meter remembers the status and counts the body's bytes.
type meter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (m *meter) WriteHeader(status int) {
	if m.status == 0 && status >= http.StatusOK {
		m.status = status
	}
	m.ResponseWriter.WriteHeader(status)
}

func (m *meter) Write(p []byte) (int, error) {
	m.status = cmp.Or(m.status, http.StatusOK)
	n, err := m.ResponseWriter.Write(p)
	m.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController through.
func (m *meter) Unwrap() http.ResponseWriter { return m.ResponseWriter }
