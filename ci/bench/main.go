// Command bench measures Slipway beside ko, which is the nearest tool: both make an
// OCI layout of the same program, for the same platforms, on the same base in one
// registry on the loopback address, with the same Go release and linker flags.
//
//	go run ./ci/bench [-runs 7] [-services sample,caddy]
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
// The exit code is 0 whatever the figures are, and 1 if there are none.
//
//slipway:ignore
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() { os.Exit(run()) }

func run() int {
	runs := flag.Int("runs", 7, "measured runs of each tool in each row, at least 1")
	names := flag.String("services", "sample,caddy", "services to build")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b := &bench{env: os.Environ(), stdout: os.Stdout, stderr: os.Stderr, runs: max(1, *runs)}
	if err := b.run(ctx, strings.Split(*names, ",")); err != nil {
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
	// temp is removed at the end; cache is kept.
	temp, cache string
	// base is the seeded base: its name in the registry with its digest.
	base string
}

func (b *bench) run(ctx context.Context, names []string) error {
	found, err := os.UserCacheDir()
	if err != nil {
		return fmt.Errorf("finding the user's cache folder: %w", err)
	}
	b.cache = filepath.Join(found, "slipway-bench")
	if b.temp, err = os.MkdirTemp("", "slipway-bench-"); err != nil {
		return fmt.Errorf("making a temporary folder: %w", err)
	}
	defer os.RemoveAll(b.temp)
	ours, theirs, err := b.compile(ctx)
	if err != nil {
		return err
	}
	var stopRegistry func()
	if b.base, stopRegistry, err = seed(ctx); err != nil {
		return err
	}
	defer stopRegistry()
	var rows []row
	for _, name := range names {
		s, err := b.service(ctx, name)
		if err != nil {
			return err
		}
		if s.release, err = b.release(ctx, ours, s); err != nil {
			return err
		}
		measured, err := b.measure(ctx, s, slipway{program: ours}, ko{program: theirs})
		if err != nil {
			return err
		}
		rows = append(rows, measured...)
	}
	return b.print(ctx, rows)
}
