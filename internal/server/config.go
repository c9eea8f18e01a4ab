package server

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

// What the flags are when they are not given.
const (
	DefaultAddr            = ":8080"
	DefaultShutdownTimeout = 10 * time.Second
)

// hostName is a DNS name or an IPv4 address in lower case, without port.
var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

// Config is what the command line decides.
type Config struct {
	// Addr is the host:port to listen on; an empty host is every address.
	Addr string
	// FetchHosts are the host names that /fetch may reach, in lower case.
	FetchHosts []string
	// ShutdownTimeout is how long a stop may take, from the signal to the exit.
	ShutdownTimeout time.Duration
	// ShowVersion asks for the version instead of a server.
	ShowVersion bool
}

// ParseConfig reads the arguments after the program's name. On -h and --help it
// writes the flags to help and returns flag.ErrHelp.
func ParseConfig(args []string, help io.Writer) (Config, error) {
	var c Config
	flags := flag.NewFlagSet("server", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // Errors are returned; only help is printed.
	flags.StringVar(&c.Addr, "addr", DefaultAddr, "`host:port` to listen on")
	flags.DurationVar(&c.ShutdownTimeout, "shutdown-timeout", DefaultShutdownTimeout, "`time` that a stop may take after SIGTERM")
	flags.BoolVar(&c.ShowVersion, "version", false, "print the version and exit")
	flags.Func("fetch-hosts", "`host[,host]` names that /fetch may reach (default none)", func(list string) (err error) {
		c.FetchHosts, err = parseHosts(list)
		return err
	})
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(help, "Usage: server [flags]")
		flags.SetOutput(help)
		flags.PrintDefaults()
		return Config{}, err
	}
	if err != nil {
		return Config{}, fmt.Errorf("reading the arguments: %w", err)
	}
	if flags.NArg() > 0 {
		return Config{}, fmt.Errorf("unexpected argument %q: there are flags only", flags.Arg(0))
	}
	if c.ShutdownTimeout <= 0 {
		return Config{}, fmt.Errorf("--shutdown-timeout %s is not a positive time", c.ShutdownTimeout)
	}
	return c, nil
}

// parseHosts reads host[,host]. Ports, wildcards and URLs are refused, since
// they would look as if they allowed something.
func parseHosts(list string) ([]string, error) {
	if list == "" {
		return nil, nil
	}
	var hosts []string
	for host := range strings.SplitSeq(list, ",") {
		host = strings.ToLower(strings.TrimSpace(host))
		if !hostName.MatchString(host) {
			return nil, fmt.Errorf("%q is not a host name: want one like example.com, without scheme, port or wildcard", host)
		}
		hosts = append(hosts, host)
	}
	return hosts, nil
}
