package main

import (
	"context"
	"encoding/json"
	"strings"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/module/internal/dagger"
)

// The results follow from the arguments alone: builder, base and modules are named by
// their digests, so none of the functions is told to run again on the same source.

// Build the image of one platform, as a container that can be a service.
//
//	dagger call build --src . as-service up
func (m *Slipway) Build(
	ctx context.Context,
	// Source to build. The default is that of the module.
	//
	// +optional
	// +ignore=[".slipway"]
	src *dagger.Directory,
	// Platform to build for. The default is the module's, where that is one, else the engine's.
	//
	// +optional
	platform dagger.Platform,
) (*dagger.Container, error) {
	platform, err := m.one(ctx, platform)
	if err != nil {
		return nil, err
	}
	r, b, err := m.built(ctx, src, string(platform))
	if err != nil {
		return nil, err
	}
	archive, err := r.archive(b)
	if err != nil {
		return nil, told(err)
	}
	return dag.Container(dagger.ContainerOpts{Platform: platform}).Import(archive), nil
}

// Serve the image of the engine's platform on the ports of the plan.
//
//	dagger call serve --src . up --ports 8080:8080
func (m *Slipway) Serve(
	ctx context.Context,
	// Source to build. The default is that of the module.
	//
	// +optional
	// +ignore=[".slipway"]
	src *dagger.Directory,
) (*dagger.Service, error) {
	ctr, err := m.Build(ctx, src, "")
	if err != nil {
		return nil, err
	}
	return ctr.AsService(), nil
}

// Image of all platforms, as a tar archive of an OCI image layout.
//
//	dagger call image --src . export --path image.tar
func (m *Slipway) Image(
	ctx context.Context,
	// Source to build. The default is that of the module.
	//
	// +optional
	// +ignore=[".slipway"]
	src *dagger.Directory,
) (*dagger.File, error) {
	r, b, err := m.built(ctx, src, m.Platforms...)
	if err != nil {
		return nil, err
	}
	archive, err := r.archive(b)
	return archive, told(err)
}

// Digest of the image of all platforms: of its index, as slipway build prints it.
func (m *Slipway) Digest(
	ctx context.Context,
	// Source to build. The default is that of the module.
	//
	// +optional
	// +ignore=[".slipway"]
	src *dagger.Directory,
) (string, error) {
	_, b, err := m.built(ctx, src, m.Platforms...)
	if err != nil {
		return "", err
	}
	if len(b.Images) == 1 {
		return b.Images[0].Index.Digest.String(), nil
	}
	var lines []string
	for _, made := range b.Images {
		lines = append(lines, made.Plan.Name+" "+made.Index.Digest.String())
	}
	return strings.Join(lines, "\n"), nil
}

// Binary of one platform.
//
//	dagger call binary --src . --platform linux/arm64 export --path server
func (m *Slipway) Binary(
	ctx context.Context,
	// Source to build. The default is that of the module.
	//
	// +optional
	// +ignore=[".slipway"]
	src *dagger.Directory,
	// Platform to build for. The default is the module's, where that is one, else the engine's.
	//
	// +optional
	platform dagger.Platform,
	// Name of the program, where the source has several.
	//
	// +optional
	program string,
) (*dagger.File, error) {
	platform, err := m.one(ctx, platform)
	if err != nil {
		return nil, err
	}
	r, b, err := m.built(ctx, src, string(platform))
	if err != nil {
		return nil, err
	}
	var all []engine.Binary
	for _, made := range b.Images {
		all = append(all, made.Binaries...)
	}
	file, err := r.binary(all, program)
	return file, told(err)
}

// Test the source: go vet and go test with the pinned Go release.
//
// +check
func (m *Slipway) Test(
	ctx context.Context,
	// Source to test. The default is that of the module.
	//
	// +optional
	// +ignore=[".slipway"]
	src *dagger.Directory,
) (string, error) {
	r, err := m.start(ctx, src)
	if err != nil {
		return "", told(err)
	}
	defer r.screen.Close()
	tests, err := r.Test(ctx, r.said)
	if err != nil {
		return "", told(err)
	}
	return tests.Summary(), nil
}

// Plan of a build as JSON: what it would do, and where each value comes from.
func (m *Slipway) Plan(
	ctx context.Context,
	// Source to plan for. The default is that of the module.
	//
	// +optional
	// +ignore=[".slipway"]
	src *dagger.Directory,
) (string, error) {
	r, err := m.start(ctx, src, m.Platforms...)
	if err != nil {
		return "", told(err)
	}
	defer r.screen.Close()
	made, _, err := r.Plan(ctx, r.said)
	if err != nil {
		return "", told(err)
	}
	var text strings.Builder
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(made); err != nil {
		return "", err
	}
	return text.String(), nil
}
