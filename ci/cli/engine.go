package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/engine/native"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/step"
)

func (s *session) engineVerb() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "engine",
		Short: "Start and stop a Dagger engine on Linux, without Docker",
		Long: "Engine builds the Dagger engine " + native.Version + " from its Go modules and runs it with runc on\n" +
			"this Linux machine, as root. What is built is kept in the cache folder.",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var name string
	cmd.PersistentFlags().StringVar(&name, "name", native.DefaultName, "which engine of this machine")
	for _, verb := range []func(*string) *cobra.Command{s.engineUp, s.engineStatus, s.engineEnv, s.engineDown, s.engineLogs} {
		sub := verb(&name)
		sub.Args = usage(cobra.NoArgs)
		cmd.AddCommand(sub)
	}
	return cmd
}

func (s *session) host() (*native.Host, error) {
	cache, err := s.cacheDir()
	if err != nil {
		return nil, err
	}
	return native.New(native.Options{Env: s.Env, Cache: cache, Reporter: s.screen()}), nil
}

func (s *session) engineUp(name *string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Build the engine where that is needed, start it and wait until it answers",
		Long: "Up starts the engine, or says that it runs already. Where it runs with other settings,\n" +
			"it is stopped and started again. It prints the engine's address on stdout.",
	}
	var o native.Settings
	flags := cmd.Flags()
	flags.StringToStringVar(&o.Mirrors, "mirror", nil, "registry to ask in another's place, as docker.io=127.0.0.1:5000")
	flags.StringSliceVar(&o.PlainHTTP, "plain-http", nil, "registry to ask without TLS, as 10.0.0.7:5000")
	flags.StringSliceVar(&o.CAs, "ca", nil, "file with certificates for the engine to trust")
	flags.StringSliceVar(&o.Listen, "listen", nil, "address for clients on other machines, as tcp://0.0.0.0:8443, with TLS")
	flags.BoolVar(&o.Insecure, "insecure", false, "listen without TLS: whoever reaches the address is root on this machine")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		h, err := s.host()
		if err != nil {
			return err
		}
		o.Name = *name
		for i, file := range o.CAs {
			o.CAs[i] = s.path(file)
		}
		if o.Insecure && len(o.Listen) > 0 {
			s.screen().Note("the engine listens without TLS: whoever reaches " + strings.Join(o.Listen, ", ") + " is root on this machine")
		}
		e, err := h.Up(cmd.Context(), o)
		if err != nil {
			return err
		}
		fmt.Fprintln(s.Stdout, e.Address)
		return nil
	}
	return cmd
}

func (s *session) engineStatus(name *string) *cobra.Command {
	cmd := &cobra.Command{Use: "status", Short: "Print whether the engine runs, and where"}
	cmd.RunE = func(*cobra.Command, []string) error {
		h, err := s.host()
		if err != nil {
			return err
		}
		e, err := h.Status(*name)
		if err != nil {
			return err
		}
		rows := [][2]string{
			{"name", e.Name}, {"version", e.Version}, {"address", e.Address},
			{"pid", fmt.Sprint(e.PID)}, {"since", e.Since.Format(time.RFC3339)},
			{"network", e.Network.CIDR + " on " + e.Network.Bridge() + ", this machine is " + e.Network.Gateway},
			{"state", e.State + ", " + step.Size(e.Size())},
			{"ssh", "ssh://HOST" + strings.TrimPrefix(e.Address, "unix://") + ", with " + e.SSH() + " on PATH there"},
		}
		for _, address := range e.Remote {
			rows = append(rows, [2]string{"remote", address})
		}
		for _, row := range rows {
			fmt.Fprintf(s.Stdout, "%-8s %s\n", row[0], row[1])
		}
		return nil
	}
	return cmd
}

func (s *session) engineEnv(name *string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "env",
		Short: "Print the variables that let dagger and its SDKs use the engine",
		Long:  "Env prints lines for a POSIX shell:\n\n  eval \"$(slipway engine env)\"\n  dagger core version",
	}
	cmd.RunE = func(*cobra.Command, []string) error {
		h, err := s.host()
		if err != nil {
			return err
		}
		e, err := h.Status(*name)
		if err != nil {
			return err
		}
		for _, kv := range e.Environ() {
			variable, value, _ := strings.Cut(kv, "=")
			fmt.Fprintf(s.Stdout, "export %s=%s\n", variable, shellQuote(value))
		}
		fmt.Fprintf(s.Stdout, "export PATH=%s:\"$PATH\"\n", shellQuote(e.CLI()))
		return nil
	}
	return cmd
}

// shellQuote makes one word of a POSIX shell.
func shellQuote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

func (s *session) engineDown(name *string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Stop the engine; its caches stay",
	}
	var all, prune bool
	cmd.Flags().BoolVar(&all, "all", false, "stop all engines of this machine that slipway started")
	cmd.Flags().BoolVar(&prune, "prune", false, "remove the engine's caches and certificates too")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		h, err := s.host()
		if err != nil {
			return err
		}
		if !all {
			return h.Down(cmd.Context(), *name, prune)
		}
		if cmd.Flags().Changed("name") {
			return fault.New(fault.Usage, "--all and --name exclude each other").WithFix("give one of them")
		}
		var errs []error
		for _, name := range h.Names() {
			errs = append(errs, h.Down(cmd.Context(), name, prune))
		}
		return errors.Join(errs...)
	}
	return cmd
}

func (s *session) engineLogs(name *string) *cobra.Command {
	cmd := &cobra.Command{Use: "logs", Short: "Print what the engine logged since it was started"}
	var follow bool
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on printing what it logs")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		h, err := s.host()
		if err != nil {
			return err
		}
		return h.Logs(cmd.Context(), *name, follow, s.Stdout)
	}
	return cmd
}

// checkEngine says whether Slipway's own Dagger engine runs, or what it lacks. No
// build needs it.
func (s *session) checkEngine(context.Context, *config.Flags) ailment {
	const without = "the local engine builds without it"
	h, err := s.host()
	if err != nil {
		return ailment{err: err}
	}
	e, err := h.Status(native.DefaultName)
	if lacks := h.Able(); err != nil && lacks != nil {
		err = lacks
	}
	if err != nil {
		return ailment{err: err, optional: without}
	}
	return ailment{finding: e.Version + " at " + e.Address}
}
