// Package server is the sample service: what it answers, and how it starts and
// stops. Each endpoint proves one thing about the image that carries it:
//
//	GET /version          the build: version, commit, Go release
//	GET /healthz          the process lives
//	GET /readyz           it takes requests; 503 once it is stopping
//	GET /time?tz=ZONE     the image has zoneinfo
//	GET /fetch?url=URL    the image has a CA bundle; allow-listed hosts only
//
// It writes no file, so it runs on a read-only root.
package server

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"
)

// Limits of one connection. No request has a body and no answer is long, so they
// are tight; writeTimeout leaves room for DefaultFetchTimeout.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 15 * time.Second
	idleTimeout       = 60 * time.Second
	maxHeaderBytes    = 8 << 10
)

// drainShare is the part of the shutdown timeout, one in so many, for which a
// stopping server goes on taking requests: 1s by default.
const drainShare = 10

// Build says which build of the service this is.
type Build struct {
	Version string
	Commit  string
}

// String returns version, commit and Go release in one line.
func (b Build) String() string {
	return fmt.Sprintf("%s %s %s", b.Version, b.Commit, runtime.Version())
}

// Options configure a Server. The zero value is a server that fetches nothing.
type Options struct {
	// Build is what /version answers.
	Build Build
	// FetchHosts are the host names that /fetch may reach, in lower case. The default is none.
	FetchHosts []string
	// FetchTimeout bounds one fetch as a whole. The default is DefaultFetchTimeout.
	FetchTimeout time.Duration
	// ShutdownTimeout bounds the stop as a whole. The default is DefaultShutdownTimeout.
	ShutdownTimeout time.Duration
	// Now is the clock. The default is time.Now.
	Now func() time.Time
	// Client makes the requests of /fetch; its redirect policy is replaced. The
	// default trusts the system's CA bundle.
	Client *http.Client
	// Log gets one record per request and the starts and stops. The default drops them.
	Log *slog.Logger
}

// Server is the service. It is made by New.
type Server struct {
	build           Build
	fetcher         fetcher
	shutdownTimeout time.Duration
	now             func() time.Time
	log             *slog.Logger
	stopping        atomic.Bool
}

// New returns a server; nothing runs until Serve.
func New(o Options) *Server {
	if o.FetchTimeout == 0 {
		o.FetchTimeout = DefaultFetchTimeout
	}
	if o.ShutdownTimeout == 0 {
		o.ShutdownTimeout = DefaultShutdownTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Client == nil {
		o.Client = &http.Client{Transport: newTransport()}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{
		build:           o.Build,
		fetcher:         newFetcher(o.Client, o.FetchHosts, o.FetchTimeout, "slipway-sample/"+o.Build.Version),
		shutdownTimeout: o.ShutdownTimeout,
		now:             o.Now,
		log:             o.Log,
	}
}

// Handler returns the endpoints with their request log.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /version", s.version)
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("GET /time", s.time)
	mux.HandleFunc("GET /fetch", s.fetch)
	return s.logged(mux)
}

// Serve answers on the listener until ctx is done, then stops within the shutdown
// timeout: first it still takes requests but is not ready, so that load balancers
// turn away, then it waits for the open ones. It closes the listener. It returns
// nil when every request was answered in time.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	s.log.Info("serving", "addr", listener.Addr().String(), "version", s.build.Version, "commit", s.build.Commit)

	select {
	case err := <-failed:
		return fmt.Errorf("serving on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	// ctx is done already, and the requests that are open get time of their own.
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.shutdownTimeout)
	defer cancel()
	s.stopping.Store(true)
	s.log.Info("stopping", "timeout", s.shutdownTimeout.String())
	// Shutdown drops requests unanswered that arrive after it, /readyz among them.
	time.Sleep(s.shutdownTimeout / drainShare)
	if err := server.Shutdown(deadline); err != nil {
		_ = server.Close() // Only cuts what is still open; the deadline is the error to tell.
		return fmt.Errorf("finishing open requests within %s: %w", s.shutdownTimeout, err)
	}
	s.log.Info("stopped")
	return nil
}

func (s *Server) version(w http.ResponseWriter, _ *http.Request) {
	respond(w, http.StatusOK, struct {
		Version string `json:"version"`
		Commit  string `json:"commit"`
		Go      string `json:"go"`
	}{s.build.Version, s.build.Commit, runtime.Version()})
}

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "ok")
}

func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	if s.stopping.Load() {
		http.Error(w, "stopping", http.StatusServiceUnavailable)
		return
	}
	_, _ = io.WriteString(w, "ok")
}
