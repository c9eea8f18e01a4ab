package main

import (
	"context"
	"strings"

	"example.com/slipway/ci/module/internal/dagger"
	"example.com/slipway/ci/pipeline"
)

// Publish checks the images and pushes those that pass: layers, images, index, attestations, and only then tags. Returns their references by digest, one a line.
//
//	dagger call --docker-config file://$HOME/.docker/config.json publish --src . --target ghcr.io/team/server
//
// +cache="never"
func (m *Slipway) Publish(
	ctx context.Context,
	// Source to publish. The default is that of the module.
	//
	// +optional
	// +ignore=[".slipway"]
	src *dagger.Directory,
	// Repositories to push to, such as ghcr.io/team/server. The default is what the source says.
	//
	// +optional
	target []string,
	// Rules for tags, one on a line, such as type=semver,pattern={{version}}. The default is the version, or the branch and the commit.
	//
	// +optional
	imageTag string,
	// What is checked out, such as refs/heads/main. The default is what git says.
	//
	// +optional
	ref string,
	// Private key to sign with, such as file://cosign.key. Without one nothing is signed.
	//
	// +optional
	signKey *dagger.Secret,
	// Password of that key.
	//
	// +optional
	signPassword *dagger.Secret,
	// Read the registries and push nothing.
	//
	// +optional
	dryRun bool,
) (string, error) {
	own := *m
	// In a fixed order: the engine takes other text for another call.
	for _, t := range target {
		own.Flags = append(own.Flags, "--target="+t)
	}
	if imageTag != "" {
		own.Flags = append(own.Flags, "--image-tag="+imageTag)
	}
	if ref != "" {
		own.Flags = append(own.Flags, "--ref="+ref)
	}
	if signKey != nil {
		own.Flags = append(own.Flags, "--sign-key=env://"+keyVariable)
	}
	r, err := own.start(ctx, src, own.Platforms...)
	if err != nil {
		return "", told(err)
	}
	defer r.screen.Close()
	if err := r.secrets(ctx, map[string]*dagger.Secret{keyVariable: signKey, "COSIGN_PASSWORD": signPassword}); err != nil {
		return "", err
	}
	done, err := r.Publish(ctx, r.said, pipeline.Publish{DryRun: dryRun})
	if err != nil {
		return "", told(err)
	}
	if err := done.Err(); err != nil {
		return "", refusal(done.Receipt, err)
	}
	return strings.Join(done.References(), "\n"), nil
}

// keyVariable has the private key in this process's own environment.
const keyVariable = "SLIPWAY_SIGNING_KEY"

// secrets puts secrets into the run's environment.
func (r *run) secrets(ctx context.Context, all map[string]*dagger.Secret) error {
	for name, secret := range all {
		if secret == nil {
			continue
		}
		text, err := secret.Plaintext(ctx)
		if err != nil {
			return err
		}
		r.Env = append(r.Env, name+"="+text)
	}
	return nil
}
