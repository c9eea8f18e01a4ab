package image

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// ociTypes gives each layer type of Docker its OCI name: the bytes are the same,
// and an image has one family of types whatever its base has.
var ociTypes = map[types.MediaType]types.MediaType{
	types.DockerLayer:             types.OCILayer,
	types.DockerUncompressedLayer: types.OCIUncompressedLayer,
	types.OCILayer:                types.OCILayer,
	types.OCIUncompressedLayer:    types.OCIUncompressedLayer,
	types.OCILayerZStd:            types.OCILayerZStd,
}

// baseLayers takes over the base's layers byte for byte, with their history.
func baseLayers(base v1.Image) ([]mutate.Addendum, error) {
	layers, err := base.Layers()
	if err != nil {
		return nil, fmt.Errorf("reading the base's layers: %w", err)
	}
	cfg, err := base.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading the base's configuration: %w", err)
	}
	m, err := base.Manifest()
	if err != nil {
		return nil, fmt.Errorf("reading the base's manifest: %w", err)
	}
	// What the manifest says of a layer holds, not what the layer was made as.
	all := make([]typed, len(layers))
	for i, l := range layers {
		media, ok := ociTypes[m.Layers[i].MediaType]
		if !ok {
			return nil, fmt.Errorf("a layer of the base has the type %q, which cannot be taken over", m.Layers[i].MediaType)
		}
		all[i] = typed{l, media}
	}
	return pair(all, cfg.History), nil
}

// pair puts history entries to their layers. A base whose history does not count
// its layers, or has none, gets entries that say nothing.
func pair(layers []typed, entries []v1.History) []mutate.Addendum {
	filled := 0
	for _, h := range entries {
		if !h.EmptyLayer {
			filled++
		}
	}
	if filled != len(layers) {
		entries = make([]v1.History, len(layers))
	}
	var adds []mutate.Addendum
	at := 0
	for _, h := range entries {
		add := mutate.Addendum{History: h}
		if !h.EmptyLayer {
			add.Layer, add.MediaType = layers[at], layers[at].media
			at++
		}
		adds = append(adds, add)
	}
	return adds
}

// typed is a layer under another media type.
type typed struct {
	v1.Layer
	media types.MediaType
}

func (t typed) MediaType() (types.MediaType, error) { return t.media, nil }
