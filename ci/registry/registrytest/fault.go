package registrytest

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"
)

// Fault answers a request in place of the registry; handle lets the registry handle
// it first.
type Fault func(s *Server, w http.ResponseWriter, handle func() *httptest.ResponseRecorder)

// Status answers with an error of the distribution API.
func Status(code int, errorCode string, header ...string) Fault {
	return func(s *Server, w http.ResponseWriter, _ func() *httptest.ResponseRecorder) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		if code == http.StatusUnauthorized {
			s.challenge(w)
			return
		}
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"errors":[{"code":%q,"message":"on demand"}]}`, errorCode)
	}
}

// Page answers as a proxy does, with a page for people.
func Page(code int) Fault {
	return func(_ *Server, w http.ResponseWriter, _ func() *httptest.ResponseRecorder) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(code)
		fmt.Fprint(w, "<html><h1>Bad Gateway</h1></html>"+strings.Repeat("<hr>", 1000))
	}
}

// Reset breaks the connection off.
func Reset(_ *Server, w http.ResponseWriter, _ func() *httptest.ResponseRecorder) {
	hangUp(w, "", true)
}

// HalfAnswer breaks the connection off in the middle of the answer.
func HalfAnswer(_ *Server, w http.ResponseWriter, handle func() *httptest.ResponseRecorder) {
	answer := handle()
	var head strings.Builder
	fmt.Fprintf(&head, "HTTP/1.1 %d OK\r\nContent-Length: %d\r\n", answer.Code, answer.Body.Len()+100)
	for key, values := range answer.Header() {
		if key != "Content-Length" {
			fmt.Fprintf(&head, "%s: %s\r\n", key, values[0])
		}
	}
	hangUp(w, head.String()+"\r\n"+answer.Body.String(), false)
}

// Lost handles the request and loses its answer.
func Lost(_ *Server, w http.ResponseWriter, handle func() *httptest.ResponseRecorder) {
	handle()
	hangUp(w, "", true)
}

// Silence says nothing for a while.
func Silence(d time.Duration) Fault {
	return func(_ *Server, w http.ResponseWriter, _ func() *httptest.ResponseRecorder) {
		time.Sleep(d)
		hangUp(w, "", true)
	}
}

// Drip sends its answer so slowly that it never ends, for at most d.
func Drip(d time.Duration) Fault {
	return func(_ *Server, w http.ResponseWriter, _ func() *httptest.ResponseRecorder) {
		w.WriteHeader(http.StatusOK)
		for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if _, err := w.Write([]byte(" ")); err != nil {
				return
			}
			_ = http.NewResponseController(w).Flush()
		}
	}
}

// WrongDigest handles the request and says another digest.
func WrongDigest(_ *Server, w http.ResponseWriter, handle func() *httptest.ResponseRecorder) {
	answer := handle()
	answer.Header().Set("Docker-Content-Digest", "sha256:"+strings.Repeat("f", 64))
	Send(w, answer)
}

// Expired makes every token invalid before it handles the request.
func Expired(s *Server, w http.ResponseWriter, handle func() *httptest.ResponseRecorder) {
	s.Expire()
	Send(w, handle())
}

// hangUp ends a connection, with a reset if nothing of the answer shall arrive.
func hangUp(w http.ResponseWriter, text string, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_, _ = conn.Write([]byte(text))
	conn.Close()
}

// At makes the first times requests of a kind fail, or all if times is negative.
func (s *Server) At(kind Kind, times int, fault Fault) {
	s.o.Before = func(req *Request, w http.ResponseWriter) bool {
		s.mu.Lock()
		hit := req.Kind == kind && times != 0
		if hit {
			times--
		}
		s.mu.Unlock()
		if hit {
			fault(s, w, func() *httptest.ResponseRecorder { return s.Handle(req) })
		}
		return hit
	}
}
