package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"example.com/slipway/ci/base/builtin"
	"example.com/slipway/ci/plan"
)

// seed starts a registry on the loopback address with one image in it, Slipway's
// embedded base, and returns the image's reference by digest.
func seed(ctx context.Context) (reference string, stop func(), err error) {
	var platforms []plan.Platform
	for _, text := range []string{"linux/amd64", "linux/arm64"} {
		p, err := plan.ParsePlatform(text)
		if err != nil {
			return "", nil, err
		}
		platforms = append(platforms, p)
	}
	index, err := builtin.Index(platforms)
	if err != nil {
		return "", nil, err
	}
	digest, err := index.Digest()
	if err != nil {
		return "", nil, err
	}
	server := httptest.NewServer(registry.New(registry.Logger(slog.NewLogLogger(slog.DiscardHandler, 0))))
	host := strings.TrimPrefix(server.URL, "http://")
	tag, err := name.NewTag(host + "/base:bench")
	if err == nil {
		err = remote.WriteIndex(tag, index, remote.WithContext(ctx))
	}
	if err != nil {
		server.Close()
		return "", nil, fmt.Errorf("putting the base into a registry: %w", err)
	}
	return tag.String() + "@" + digest.String(), server.Close, nil
}
