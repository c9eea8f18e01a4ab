// Command reads a trial as JSON, runs it, and prints the report as JSON. It is the
// runner as a program, for where the program to try is. ci/engine/dagger builds it.
//
//slipway:ignore
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"os/signal"
	"syscall"

	"example.com/slipway/ci/trial/runner"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	var t runner.Trial
	if err := json.NewDecoder(os.Stdin).Decode(&t); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return json.NewEncoder(os.Stdout).Encode(runner.Run(ctx, t))
}
