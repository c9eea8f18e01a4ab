// Command bench measures Slipway beside ko, which is the nearest tool, or beside plain
// BuildKit building the Dockerfile: both make an OCI layout of the same program, for
// the same platforms, on the same base in one registry on the loopback address, with
// the same Go release and linker flags.
//
//	go run ./ci/bench [-runs 7] [-services sample,caddy] [-beside ko] [arguments of slipway build]
//	go run ./ci/bench -push [-runs 7] [-services sample]
//	go run ./ci/bench -beside buildkit -services sample -listen 127.0.0.1:5100 -- --engine dagger
//
// It runs in the root of this repository and needs Go, git and a module proxy. ko is
// compiled once, from the tool module tools/ko, and kept in the user's cache folder
// with the caches of both tools. Each tool has a build cache of its own, which two
// runs that are not measured have warmed. Then the tools take turns, and who begins
// changes every time. A median is of all runs: none is left out.
//
// ko does as little as Slipway does: no SBOM, no VCS stamping, no push, and with
// KOCACHE, so that it keeps what it can. The output folder is empty before each run.
//
// With -push both push two platforms to a registry on the loopback address, into the
// empty registry and once more, and the requests are counted.
//
// BuildKit (buildkitd and buildctl from tools/buildkit; Linux, as root, with runc and
// mmdebstrap) has the stand-ins of ci/e2e/rig for the builder and the base, since the
// pinned images may be out of reach. An engine of Slipway's that takes the builder from
// a registry needs the one at -listen as its mirror of docker.io.
//
// The exit code is 0 whatever the figures are, and 1 if there are none.
//
//slipway:ignore
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

func main() { os.Exit(run()) }

func run() int {
	runs := flag.Int("runs", 7, "measured runs of each tool in each row, at least 1")
	names := flag.String("services", "sample,caddy", "services to build")
	beside := flag.String("beside", "ko", "the tool to compare with: ko or buildkit")
	listen := flag.String("listen", "127.0.0.1:0", "address of the registry that buildkit and slipway share")
	push := flag.Bool("push", false, "measure pushing instead of building, beside ko")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b := &bench{env: os.Environ(), stdout: os.Stdout, stderr: os.Stderr, runs: max(1, *runs), push: *push, more: flag.Args()}
	if err := b.run(ctx, strings.Split(*names, ","), *beside, *listen); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

// bench is one run of this program.
type bench struct {
	env            []string
	stdout, stderr io.Writer
	runs           int
	push           bool
	// temp is removed at the end; cache is kept.
	temp, cache string
	// more are arguments for slipway build.
	more []string
}

func (b *bench) run(ctx context.Context, names []string, beside, listen string) (err error) {
	found, err := os.UserCacheDir()
	if err != nil {
		return fmt.Errorf("finding the user's cache folder: %w", err)
	}
	b.cache = filepath.Join(found, "slipway-bench")
	if b.temp, err = os.MkdirTemp("", "slipway-bench-"); err != nil {
		return fmt.Errorf("making a temporary folder: %w", err)
	}
	defer os.RemoveAll(b.temp)
	program, err := b.compile(ctx)
	if err != nil {
		return err
	}
	theirs, err := b.rival(ctx, beside, listen)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, theirs.stop()) }()
	ours := slipway{program: program, more: slices.Concat(theirs.images(), b.more)}
	var rows []row
	var pushes []*pushed
	for _, name := range names {
		s, err := b.service(ctx, name, theirs)
		if err != nil {
			return err
		}
		if s.release, err = b.release(ctx, program, s); err != nil {
			return err
		}
		if b.push {
			rival, ok := theirs.(*ko)
			if !ok {
				return fmt.Errorf("pushing is compared with ko, not with %s", beside)
			}
			measured, err := b.pushes(ctx, s, ours, rival)
			if err != nil {
				return err
			}
			pushes = append(pushes, measured...)
			continue
		}
		measured, err := b.measure(ctx, s, ours, theirs)
		if err != nil {
			return err
		}
		rows = append(rows, measured...)
	}
	if b.push {
		b.printPushes(pushes)
		return nil
	}
	return b.print(ctx, theirs.name(), rows)
}
