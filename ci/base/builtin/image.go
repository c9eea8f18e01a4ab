package builtin

import (
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"example.com/slipway/ci/layer"
	"example.com/slipway/ci/plan"
)

// Index returns the base as an OCI index of one image for each platform, in the
// order given. All of them share one layer, which is made here, once.
func Index(platforms []plan.Platform) (v1.ImageIndex, error) {
	files, err := Files()
	if err != nil {
		return nil, err
	}
	content, err := layer.New(files, time.Unix(0, 0))
	if err != nil {
		return nil, fmt.Errorf("making the layer of the builtin base: %w", err)
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range platforms {
		image, err := image(p, content)
		if err != nil {
			return nil, fmt.Errorf("making the builtin base for %s: %w", p, err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: p.OS, Architecture: p.Arch, Variant: p.Variant},
		}})
	}
	return index, nil
}

func image(p plan.Platform, content v1.Layer) (v1.Image, error) {
	epoch := v1.Time{Time: time.Unix(0, 0).UTC()}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.ConfigFile(image, &v1.ConfigFile{
		OS: p.OS, Architecture: p.Arch, Variant: p.Variant, Created: epoch,
		Config: v1.Config{
			Env: []string{
				"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
				"SSL_CERT_FILE=/" + certificatesPath,
			},
			User:       fmt.Sprint(nonroot),
			WorkingDir: "/home/nonroot",
		},
		RootFS: v1.RootFS{Type: "layers"},
	})
	if err != nil {
		return nil, err
	}
	return mutate.Append(image, mutate.Addendum{
		Layer:   content,
		History: v1.History{Created: epoch, CreatedBy: "slipway builtin base"},
	})
}
