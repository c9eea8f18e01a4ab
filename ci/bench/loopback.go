package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"

	"example.com/slipway/ci/e2e/rig"
)

// loopback is what stands in for the network.
type loopback struct {
	images *rig.Images
	// shared is the registry with the builder, the base and all caches; pushed is the one
	// that images are pushed to.
	shared, pushed *store
	// modules serves the module cache of this machine, and proxy is its address.
	modules http.Handler
	proxy   string
	servers []*http.Server
}

// store is a registry that can be emptied, and counts what it is asked.
type store struct {
	address string
	asked   atomic.Int64
	handler atomic.Pointer[http.Handler]
}

func (s *store) empty() {
	handler := registry.New(registry.WithReferrersSupport(true), registry.Logger(slog.NewLogLogger(slog.DiscardHandler, 0)))
	s.handler.Store(&handler)
}

func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked.Add(1)
	(*s.handler.Load()).ServeHTTP(w, r)
}

// newLoopback starts both registries and the module proxy.
func (b *bench) newLoopback(ctx context.Context) (l *loopback, err error) {
	l = &loopback{shared: &store{}, pushed: &store{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.stop())
		}
	}()
	if l.images, err = rig.MakeStandins(ctx); err != nil {
		return l, err
	}
	for _, s := range []*store{l.shared, l.pushed} {
		s.empty()
		if s.address, err = l.listen(ctx, "127.0.0.1", s); err != nil {
			return l, err
		}
	}
	if err := l.images.Push(ctx, l.shared.address); err != nil {
		return l, err
	}
	dir, err := b.output(ctx, b.root, nil, "go", "env", "GOMODCACHE")
	if err != nil {
		return l, err
	}
	l.modules = http.FileServer(http.Dir(filepath.Join(dir, "cache", "download")))
	l.proxy, err = l.serveModules(ctx, "127.0.0.1")
	return l, err
}

// serveModules gives the module proxy an address on another host of this machine.
func (l *loopback) serveModules(ctx context.Context, host string) (string, error) {
	address, err := l.listen(ctx, host, l.modules)
	return "http://" + address, err
}

func (l *loopback) listen(ctx context.Context, host string, handler http.Handler) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", fmt.Errorf("listening on %s: %w", host, err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	l.servers = append(l.servers, server)
	go func() { _ = server.Serve(listener) }()
	return listener.Addr().String(), nil
}

func (l *loopback) stop() error {
	var err error
	for _, s := range l.servers {
		err = errors.Join(err, s.Close())
	}
	return err
}

// mirrors give Slipway the builder and the base.
func (l *loopback) mirrors() []string {
	return []string{
		"--builder", l.images.Builder.String(), "--base", l.images.Base.String(),
		"--mirror", "docker.io=" + l.shared.address, "--mirror", "gcr.io=" + l.shared.address,
	}
}
