package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
)

// Modules is this machine's way to modules for a build stage, which has the environment
// of its image and nothing of this machine's: what is in the module cache already comes
// from there, over the loopback address, and the rest from the proxies in use here.
type Modules struct {
	// Env is a line of a Dockerfile.
	Env    string
	server *httptest.Server
}

// ServeModules starts serving the module cache.
func ServeModules(ctx context.Context) (*Modules, error) {
	text, err := goOutput(ctx, "", "env", "-json", "GOMODCACHE", "GOPROXY", "GOSUMDB", "GONOSUMDB")
	if err != nil {
		return nil, err
	}
	var set struct{ GOMODCACHE, GOPROXY, GOSUMDB, GONOSUMDB string }
	if err := json.Unmarshal([]byte(text), &set); err != nil {
		return nil, fmt.Errorf("reading the settings of the go command: %w", err)
	}
	s := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(set.GOMODCACHE, "cache", "download"))))
	env := fmt.Sprintf("ENV GOPROXY=%q GOSUMDB=%q GONOSUMDB=%q\n", s.URL+","+set.GOPROXY, set.GOSUMDB, set.GONOSUMDB)
	return &Modules{Env: env, server: s}, nil
}

// Stop stops serving.
func (m *Modules) Stop() { m.server.Close() }
