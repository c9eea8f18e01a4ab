// Command plain is what a pipeline on Dagger's SDK is without Slipway: a container that
// builds, a container that is published. It is a baseline of ci/bench, in a module of
// its own, so that it compiles what it needs alone.
//
//slipway:ignore
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"

	"dagger.io/dagger"
)

func main() {
	src := flag.String("src", ".", "source folder")
	pkg := flag.String("main", ".", "folder of package main in it")
	platforms := flag.String("platform", "linux/amd64", "platforms, with commas between them")
	builder := flag.String("builder", "", "image that builds")
	base := flag.String("base", "", "image to stand on")
	proxy := flag.String("proxy", "", "module proxies")
	export := flag.String("export", "", "archive to write")
	publish := flag.String("publish", "", "address to publish to")
	flag.Parse()
	ctx := context.Background()
	err := func() error {
		client, err := dagger.Connect(ctx)
		if err != nil {
			return err
		}
		defer client.Close()
		var variants []*dagger.Container
		for _, platform := range strings.Split(*platforms, ",") {
			program := build(client, *src, *pkg, platform, *builder, *proxy)
			variants = append(variants, client.Container(dagger.ContainerOpts{Platform: dagger.Platform(platform)}).
				From(*base).WithFile("/app/service", program).WithUser("65532:65532").WithEntrypoint([]string{"/app/service"}))
		}
		said := ""
		if *publish != "" {
			said, err = client.Container().Publish(ctx, *publish, dagger.ContainerPublishOpts{PlatformVariants: variants})
		} else {
			said, err = client.Container().Export(ctx, *export, dagger.ContainerExportOpts{PlatformVariants: variants})
		}
		if err == nil {
			_, err = fmt.Fprintln(os.Stdout, said)
		}
		return err
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, "plain:", err)
		os.Exit(1)
	}
}

// build is the way of Dagger's documentation: the source is mounted, the go command's
// caches are volumes.
func build(client *dagger.Client, src, pkg, platform, builder, proxy string) *dagger.File {
	system, arch, _ := strings.Cut(platform, "/")
	return client.Container().From(builder).
		WithMountedCache("/go/pkg/mod", client.CacheVolume("plain-modules")).
		WithMountedCache("/root/.cache/go-build", client.CacheVolume("plain-objects")).
		WithMountedDirectory("/src", client.Host().Directory(src, dagger.HostDirectoryOpts{Exclude: []string{".git"}})).
		WithWorkdir("/src").
		WithEnvVariable("GOPROXY", proxy).WithEnvVariable("CGO_ENABLED", "0").
		WithEnvVariable("GOOS", system).WithEnvVariable("GOARCH", arch).
		WithExec([]string{"go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", "/out/service", pkg}).
		File("/out/service")
}
