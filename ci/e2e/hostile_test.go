package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/cli"
	"example.com/slipway/ci/e2e/rig"
)

// secret is a file that no message and no image may have a word of.
const secret = "/etc/shadow"

// attack is a source folder that is refused, with its environment and flags.
type attack struct {
	src       string
	env, args []string
	// out must not be there afterwards; the default is the folder of --output.
	out string
}

// A hostile source is refused in one sentence that names the cause: nothing of it
// was executed, nothing was written, nothing waits for ever.
func TestHostile_SourcesAreRefused(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	link := func(name, to string) func(*testing.T, trap) attack {
		return func(t *testing.T, _ trap) attack {
			if to == secret {
				rig.Root(t) // for anybody else it is a file that cannot be read
			}
			src := module(t, nil)
			file := filepath.Join(src, filepath.FromSlash(name))
			require.NoError(t, os.RemoveAll(file))
			require.NoError(t, os.Symlink(to, file))
			return attack{src: src}
		}
	}
	embed := func(pattern, name, to string) func(*testing.T, trap) attack {
		return func(t *testing.T, _ trap) attack {
			src := module(t, map[string]string{"main.go": "package main\n\nimport _ \"embed\"\n\n//go:embed " + pattern + "\nvar note string\n\nfunc main() { print(note) }\n"})
			if name != "" {
				require.NoError(t, os.Symlink(to, filepath.Join(src, name)))
			}
			return attack{src: src}
		}
	}
	pipe := func(name string) func(*testing.T, trap) attack {
		return func(t *testing.T, _ trap) attack {
			src := module(t, nil)
			require.NoError(t, os.RemoveAll(filepath.Join(src, name)))
			require.NoError(t, syscall.Mkfifo(filepath.Join(src, name), 0o644))
			return attack{src: src}
		}
	}
	files := func(more map[string]string, args ...string) func(*testing.T, trap) attack {
		return func(t *testing.T, _ trap) attack { return attack{src: module(t, more), args: args} }
	}
	const required = "module example.com/tide\n\ngo 1.25.0\n\nrequire example.com/lib v1.0.0\n"

	for name, c := range map[string]struct {
		prepare func(*testing.T, trap) attack
		code    int
		says    string
	}{
		"a replacement outside the repository": {replacedOutside(""), cli.ExitUsage, "example.com/lib is replaced by ../lib, which lies outside"},
		"a repository that is the machine":     {replacedOutside("/"), cli.ExitUsage, "example.com/lib is replaced by ../lib, which lies outside"},
		"a partial clone without its objects":  {partialClone, cli.ExitUsage, "git cannot read the repository"},

		"the passwords as go.mod":            {link("go.mod", secret), cli.ExitUsage, "go.mod cannot be read: it is a link that leads out of the source tree"},
		"the passwords as go.work":           {link("go.work", secret), cli.ExitUsage, "go.work cannot be read: it is a link that leads out of the source tree"},
		"the passwords as a Go file":         {link("shadow.go", secret), cli.ExitSource, "the source file shadow.go is a link to " + secret},
		"the passwords as an object file":    {link("shadow.syso", secret), cli.ExitUsage, "shadow.syso is a link to " + secret},
		"the passwords as a profile":         {link("default.pgo", secret), cli.ExitUsage, "default.pgo is a link to " + secret},
		"the passwords as configuration":     {link(".slipway.yaml", secret), cli.ExitUsage, ".slipway.yaml is not a regular file"},
		"the passwords embedded":             {embed("shadow", "shadow", secret), cli.ExitSource, "main.go:5 embeds shadow, which is a link"},
		"an embedded file that is not there": {embed("dist/*", "", ""), cli.ExitSource, "main.go:5 embeds dist/*, and the source folder has no such files"},
		"the passwords among the files": {func(t *testing.T, x trap) attack {
			a := link("shadow", secret)(t, x)
			a.args = []string{"--files", "/srv=./shadow"}
			return a
		}, cli.ExitUsage, "shadow leads to " + secret},

		"a pipe as a Go file": {pipe("pipe.go"), cli.ExitUsage, "pipe.go is not a regular file"},
		"a pipe as assembly":  {pipe("pipe.s"), cli.ExitUsage, "pipe.s is not a regular file"},
		"a pipe as go.mod":    {pipe("go.mod"), cli.ExitUsage, "go.mod cannot be read: it is not a regular file"},
		"endless checksums":   {link("go.sum", "/dev/zero"), cli.ExitUsage, "go.sum is not a regular file"},
		"an endless profile":  {link("default.pgo", "/dev/zero"), cli.ExitUsage, "default.pgo is not a regular file"},
		"a pipe among the files": {func(t *testing.T, x trap) attack {
			a := pipe("pipe")(t, x)
			a.args = []string{"--files", "/srv=./pipe"}
			return a
		}, cli.ExitUsage, "pipe"},

		"a vendor folder of other modules": {files(map[string]string{
			"go.mod": required, "main.go": "package main\n\nimport _ \"example.com/lib\"\n\nfunc main() {}\n",
			"vendor/modules.txt": "# example.com/lib v1.1.0\n## explicit\nexample.com/lib\n", "vendor/example.com/lib/lib.go": "package lib\n",
		}), cli.ExitSource, "vendor/modules.txt does not agree with go.mod"},
		"a vendor folder without a package": {files(map[string]string{
			"go.mod": required, "main.go": "package main\n\nimport _ \"example.com/lib\"\n\nfunc main() {}\n",
			"vendor/modules.txt": "# example.com/lib v1.0.0\n## explicit\nexample.com/lib\n", "vendor/example.com/other/other.go": "package other\n",
		}), cli.ExitSource, "the vendor folder does not have package example.com/lib"},

		"GOFLAGS that run a program": {func(t *testing.T, x trap) attack {
			return attack{src: module(t, nil), env: []string{"GOFLAGS=-toolexec=" + x.program}}
		}, cli.ExitUsage, "GOFLAGS has -toolexec"},
		"GOFLAGS that link with a program": {func(t *testing.T, x trap) attack {
			return attack{src: module(t, nil), env: []string{"GOFLAGS='-ldflags=-linkmode=external -extld=" + x.program + "'"}}
		}, cli.ExitUsage, "GOFLAGS has -linkmode"},
		"GOFLAGS of go env -w": {func(t *testing.T, x trap) attack {
			env := []string{"HOME=" + t.TempDir(), "XDG_CONFIG_HOME=", "GOMODCACHE=" + moduleCache(t)}
			rig.Must(t, "", append(rig.Environ(), env...), "go", "env", "-w", "GOFLAGS=-toolexec="+x.program)
			return attack{src: module(t, nil), env: env}
		}, cli.ExitUsage, "GOFLAGS has -toolexec"},

		"commands before the build": {func(t *testing.T, x trap) attack {
			return attack{src: module(t, map[string]string{".slipway.yaml": "pre-build:\n  - [" + x.program + "]\n"})}
		}, cli.ExitUsage, "the source wants commands to run before a build"},
		"commands that allow themselves": {func(t *testing.T, x trap) attack {
			return attack{src: module(t, map[string]string{".slipway.yaml": "allow-exec: true\npre-build:\n  - [" + x.program + "]\n"})}
		}, cli.ExitUsage, ".slipway.yaml:1: "},
		"an output folder of the source's choice": {func(t *testing.T, _ trap) attack {
			out := filepath.Join(t.TempDir(), "out")
			return attack{src: module(t, map[string]string{".slipway.yaml": "output: " + out + "\n"}), out: out}
		}, cli.ExitUsage, ".slipway.yaml:1: "},

		"a setting with a line break":       {files(nil, "--set", "main.note=a\nb"), cli.ExitUsage, "is not a value for set"},
		"a setting with both quotes":        {files(nil, "--set", `main.note=it's "both"`), cli.ExitUsage, "is not a value for set"},
		"a flag in the name of a setting":   {files(nil, "--set", "main.note -extld=evil=x"), cli.ExitUsage, "is not a value for set"},
		"a flag for the name of a setting":  {files(nil, "--set", "-extld=evil"), cli.ExitUsage, "is not a value for set"},
		"a flag for a folder":               {files(nil, "--main=-toolexec=evil"), cli.ExitUsage, "begins like a flag"},
		"a flag for a build tag":            {files(nil, "--tags=-toolexec=evil"), cli.ExitUsage, "is not a value for tags"},
		"programs by the names of commands": {files(map[string]string{"cmd/a\n::stop-commands::x/main.go": "package main\n", "cmd/\x1b[2Jb/main.go": "package main\n", "cmd/c/main.go": "package main\n"}), cli.ExitUsage, "there are 2 programs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTrap(t)
			a := c.prepare(t, x)
			if a.out == "" {
				a.out = filepath.Join(t.TempDir(), "out")
				a.args = append(a.args, "--output", a.out)
			}
			r := buildSource(t, 2*time.Minute, a.src, environment(t, a.env...), a.args...)
			require.Equal(t, c.code, r.Code, "%s", r.Stderr)
			require.Contains(t, sentence(t, r), c.says)
			x.requireUntouched(t)
			require.NoDirExists(t, a.out)
			require.NotContains(t, r.Stderr, "\x1b")
			require.NotRegexp(t, `(?m)^\s*::`, r.Stderr)
			requireNoSecret(t, r.Stderr)
		})
	}
}

// requireNoSecret wants no line of the passwords in a text. The first word is what
// the Go compiler would say of them.
func requireNoSecret(t *testing.T, text string) {
	t.Helper()
	require.NotContains(t, text, "found root")
	passwords, err := os.ReadFile(secret)
	if err != nil {
		return // nor could Slipway read it
	}
	for _, line := range strings.Fields(string(passwords)) {
		require.NotContains(t, text, line)
	}
}

func moduleCache(t *testing.T) string {
	t.Helper()
	return rig.Must(t, "", rig.Environ(), "go", "env", "GOMODCACHE")
}
