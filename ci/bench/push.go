package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/registry"

	"example.com/slipway/ci/e2e/rig"
)

// pushed is a line of the table of pushes: Slipway first, then ko.
type pushed struct {
	service, what string
	taken         [2][]sample
	// asked counts requests of the last run. They are to the registry that is pushed
	// to; the base is in another.
	asked [2]int
}

// What is in the registry before a push.
const (
	emptyRegistry = "first push"
	sameImage     = "nothing changed"
)

// pushes lets the tools push two platforms in turn, each time to a registry of their
// own: first into the empty registry, then once more. The source does not change, so
// that neither compiles. Both say the SBOM that they say by themselves; what Slipway
// says beside is part of its time.
func (b *bench) pushes(ctx context.Context, s *service, ours slipway, theirs *ko) ([]*pushed, error) {
	env, err := b.conditions(ctx, s)
	if err != nil {
		return nil, err
	}
	rows := []*pushed{{service: s.name, what: emptyRegistry}, {service: s.name, what: sameImage}}
	for round := range 2 + b.runs {
		fmt.Fprintf(b.stderr, "%s, push %d of %d\n", s.name, round+1, 2+b.runs)
		for turn := range 2 {
			who := (round + turn) % 2
			if err := b.turn(ctx, rows, s, who, round >= 2, env, ours, theirs); err != nil {
				return nil, err
			}
		}
	}
	return rows, nil
}

// turn is one tool's: both pushes.
func (b *bench) turn(ctx context.Context, rows []*pushed, s *service, who int, counts bool, env []string, ours slipway, theirs *ko) error {
	server := httptest.NewServer(registry.New(registry.WithReferrersSupport(true), registry.Logger(slog.NewLogLogger(slog.DiscardHandler, 0))))
	defer server.Close()
	proxy := rig.NewProxy(strings.TrimPrefix(server.URL, "http://"))
	defer proxy.Close()
	tools := [2]tool{publishing{ours, proxy.Address}, koPushing{theirs, proxy.Address}}
	for _, r := range rows {
		took, _, err := b.once(ctx, tools[who], s, "linux/amd64,linux/arm64", env)
		if err != nil {
			return err
		}
		r.asked[who] = len(proxy.Take())
		if counts {
			r.taken[who] = append(r.taken[who], took)
		}
	}
	return nil
}

// publishing is Slipway where it publishes. Of the gates it asks the one that needs
// nothing beside the image.
type publishing struct {
	slipway
	registry string
}

func (t publishing) command(b *bench, s *service, platforms, out string) (env, args []string) {
	env, args = t.slipway.command(b, s, platforms, out)
	args[1] = "publish"
	return env, append(args, "--gate", "image", "--image-tag", "latest", "--target", t.registry+"/slipway")
}

// koPushing is ko as it pushes by itself, with an SBOM.
type koPushing struct {
	*ko
	registry string
}

func (t koPushing) command(b *bench, s *service, platforms, _ string) (env, args []string) {
	env = []string{
		"KO_DOCKER_REPO=" + t.registry + "/ko", "KO_DEFAULTBASEIMAGE=" + t.base, "KOCACHE=" + filepath.Join(b.cache, "kocache"),
		"GOCACHE=" + filepath.Join(b.cache, "go-build"), "GOFLAGS=-buildvcs=false",
	}
	return env, []string{t.program, "build", "--bare", "--ldflags=-s -w", "--platform=" + platforms, s.main}
}

// printPushes writes the table in Markdown.
func (b *bench) printPushes(rows []*pushed) {
	fmt.Fprintf(b.stdout, "Pushes of two platforms, medians of %d interleaved runs.\n\n", b.runs)
	fmt.Fprintln(b.stdout, "| service | push | Slipway | ko | Slipway/ko | requests Slipway | requests ko |")
	fmt.Fprintln(b.stdout, "|---|---|---|---|---|---|---|")
	for _, r := range rows {
		fmt.Fprintf(b.stdout, "| %s | %s | %s | %s | %.2f | %d | %d |\n", r.service, r.what,
			seconds(median(walls(r.taken[0]))), seconds(median(walls(r.taken[1]))), ratio(r.taken[0], r.taken[1]), r.asked[0], r.asked[1])
	}
}
