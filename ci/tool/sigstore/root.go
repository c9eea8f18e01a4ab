//go:build ignore

package main

import (
	"context"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/tuf"
)

// fetchRoot gets what Sigstore's public instance is trusted by, and where it is, through
// the update framework whose own root is in the library.
func fetchRoot(ctx context.Context, r request) (answer, error) {
	client, err := tuf.New(tuf.DefaultOptions().WithContext(ctx).WithCachePath(r.Cache))
	if err != nil {
		return answer{}, at(stageRoot, err)
	}
	trusted, err := root.GetTrustedRoot(client)
	if err != nil {
		return answer{}, at(stageRoot, err)
	}
	config, err := root.GetSigningConfig(client)
	if err != nil {
		return answer{}, at(stageRoot, err)
	}
	var a answer
	if a.TrustedRoot, err = trusted.MarshalJSON(); err != nil {
		return answer{}, at(stageRoot, err)
	}
	a.SigningConfig, err = config.MarshalJSON()
	return a, at(stageRoot, err)
}
