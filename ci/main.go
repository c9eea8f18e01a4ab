// Slipway takes a Go service's source folder and launches a container.
//
//slipway:ignore
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"example.com/slipway/ci/cli"
)

// memory is from where on the collector works harder, in bytes: compilers run beside
// Slipway and have more use for it (docs/decisions.md).
const memory = 128 << 20

func main() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memory)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		cancel(cli.Interrupt{Signal: <-signals})
		// A second signal ends the process the ordinary way.
		signal.Stop(signals)
	}()
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	cmd := cli.Command{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Env: os.Environ(), Dir: dir}
	os.Exit(cmd.Run(ctx, os.Args[1:]))
}
