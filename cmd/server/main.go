// Command server is the sample service that Slipway builds: a small HTTP service
// that says which build it is and proves that the image around it is complete.
//
// Usage:
//
//	server [--addr :8080] [--fetch-hosts host[,host]] [--shutdown-timeout 10s]
//	server --version
//
// It logs JSON to standard error. It exits with 0 after a stop by SIGTERM or
// SIGINT, 1 when it cannot serve or open requests outlast the deadline, and 2 on
// wrong arguments.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"example.com/slipway/internal/server"
)

// Set by the linker: -X main.version=... -X main.commit=....
var (
	version = "devel"
	commit  = "unknown"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// Once stopping, a second signal has its default effect: whoever cannot wait can end it.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program but for the process around it. It returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	build := server.Build{Version: version, Commit: commit}
	config, err := server.ParseConfig(args, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "server: %v\n", err)
		return 2
	case config.ShowVersion:
		fmt.Fprintln(stdout, build)
		return 0
	}
	log := slog.New(slog.NewJSONHandler(stderr, nil))
	if err := serve(ctx, config, build, log); err != nil {
		log.Error("stopped", "error", err.Error())
		return 1
	}
	return 0
}

func serve(ctx context.Context, config server.Config, build server.Build, log *slog.Logger) error {
	listener, err := net.Listen("tcp", config.Addr)
	if err != nil {
		return fmt.Errorf("opening the listener: %w", err)
	}
	return server.New(server.Options{
		Build:           build,
		FetchHosts:      config.FetchHosts,
		ShutdownTimeout: config.ShutdownTimeout,
		Log:             log,
	}).Serve(ctx, listener)
}
