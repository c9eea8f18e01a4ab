// Command bench measures Slipway beside its peers and writes the page that says how it
// came off, losses as plainly as wins:
//
//	go run ./ci/bench                                      measures everything, then writes the page
//	go run ./ci/bench -services caddy -scenarios fresh     measures a part anew
//	go run ./ci/bench -services caddy -scenarios fresh -continue
//	                                                       goes on with rounds that are missing
//	go run ./ci/bench -page                                writes the page from the kept figures
//
// Everything lies on the loopback address: one registry with the builder and the base
// (the stand-ins of ci/e2e/rig, since the pinned images may be out of reach), one that
// is pushed to, and a module proxy that has every module. Each tool has folders of its
// own, and takes its turn in every round; who begins changes from round to round.
//
// All rows of one table come from one interleaved run, and a median is of all of its
// rounds: none is left out. The figures are kept after each round, and -continue adds to
// those of the same code, machine and tools. What takes longer than -slow is repeated
// -slow-runs times only, and the page says so. What a tool cannot do is an empty cell with
// the reason.
//
// It runs in the root of this repository on Linux, as root, with Go, git, tar, zstd, runc
// and mmdebstrap, and a module proxy. Peers are compiled once, from the tool modules.
// The exit code is 0 whatever the figures are, and 1 if there are none.
//
//slipway:ignore
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() { os.Exit(run()) }

func run() int {
	b := &bench{env: environ(os.Environ()), stderr: os.Stderr, root: ".", command: "go run ./ci/bench " + strings.Join(os.Args[1:], " ")}
	flag.IntVar(&b.runs, "runs", 7, "measured rounds")
	flag.IntVar(&b.slowRuns, "slow-runs", 3, "measured rounds of what is slow")
	flag.DurationVar(&b.slow, "slow", 20*time.Second, "what takes longer is slow")
	services := flag.String("services", "sample,task,caddy,monorepo", "services to build")
	scenarios := flag.String("scenarios", "fresh,warm,push,size,monorepo,job", "scenarios to measure")
	tools := flag.String("tools", "slipway,slipway-dagger,ko,buildkit,plain", "tools to measure")
	results := flag.String("results", "docs/performance.json", "file of the figures, in whose folder the page is")
	flag.BoolVar(&b.more, "continue", false, "go on with the kept figures, where code, machine and tools are the same")
	page := flag.Bool("page", false, "write the page from the kept figures, and measure nothing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if !*page {
		err = b.measure(ctx, strings.Split(*services, ","), strings.Split(*scenarios, ","), strings.Split(*tools, ","), *results)
	}
	if err == nil {
		err = writePage(*results)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}
