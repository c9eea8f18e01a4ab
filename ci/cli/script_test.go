package cli_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/cli"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"slipway": func() {
		dir, err := os.Getwd()
		if err != nil {
			panic(err)
		}
		cmd := cli.Command{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Env: os.Environ(), Dir: dir}
		os.Exit(cmd.Run(context.Background(), os.Args[1:]))
	}})
}

// The scripts are the specification of the verbs and exit codes: one for each.
func TestScript(t *testing.T) {
	t.Parallel()
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	modules, err := exec.Command("go", "env", "GOMODCACHE").Output()
	require.NoError(t, err)
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			// Kept between runs: a compiled standard library for each script takes minutes.
			env.Setenv("SLIPWAY_CACHE", filepath.Join(cache, "slipway-e2e"))
			env.Setenv("GOMODCACHE", string(modules[:len(modules)-1]))
			env.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
			// A Dagger engine of this machine is none of a script's business.
			env.Setenv("SLIPWAY_ENGINE", "local")
			// For scripts that take PATH away.
			program, err := exec.LookPath("slipway")
			if err != nil {
				return err
			}
			env.Setenv("SLIPWAY", program)
			for _, name := range []string{"GOPROXY", "GOSUMDB", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "NO_PROXY"} {
				if value, ok := os.LookupEnv(name); ok {
					env.Setenv(name, value)
				}
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// exits runs a program and wants an exit code: exits 2 slipway build.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code program [argument...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		ended, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("running %s: %v", args[1], err)
		}
		code = ended.ExitCode()
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}
