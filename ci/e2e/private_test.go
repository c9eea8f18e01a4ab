package e2e_test

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

// user is somebody with private modules: with a home folder, a module cache, a cache
// of Slipway's, and a module proxy that does not have them.
type user struct {
	origin *origin
	home   string
	env    []string
	// caches are the folders in which no secret may be found.
	caches []string
	proxy  *recorder
	// wrong is a password that the origin does not take.
	wrong string
	// addressed says that git has the password in an address, which git itself gives
	// to its own helper as an argument.
	addressed bool
}

func newUser(t *testing.T) *user {
	t.Helper()
	rig.Slow(t)
	u := &user{origin: newOrigin(t), home: t.TempDir(), wrong: "wrong-" + rand.Text(), proxy: newRecorder(t)}
	modules, cache := t.TempDir(), t.TempDir()
	// The module cache is read-only, and t.TempDir cannot remove that.
	t.Cleanup(func() { rig.Run(t, "", rig.Environ(), "chmod", "-R", "u+w", modules) })
	compiled := filepath.Join(cacheDir(t), "go-build")
	require.NoError(t, os.MkdirAll(compiled, 0o755))
	require.NoError(t, os.Symlink(compiled, filepath.Join(cache, "go-build")))
	u.caches = []string{cache, compiled, modules}
	u.toolchain(t, []string{"GOMODCACHE=" + modules, "SLIPWAY_CACHE=" + cache})
	u.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + u.home, "GOPROXY=" + u.proxy.url, "GOSUMDB=off", "GOMODCACHE=" + modules, "SLIPWAY_CACHE=" + cache,
		"SSL_CERT_FILE=" + u.origin.ca, "GIT_SSL_CAINFO=" + u.origin.ca, "GIT_CONFIG_NOSYSTEM=1",
	}
	return u
}

// toolchain readies the pinned Go release, out of this machine's module cache where
// it has it. The recorder, which is the proxy from then on, could not give it.
func (u *user) toolchain(t *testing.T, env []string) {
	t.Helper()
	cache := rig.Must(t, u.home, rig.Environ(), "go", "env", "GOMODCACHE")
	proxies := rig.Must(t, u.home, rig.Environ(), "go", "env", "GOPROXY")
	env = append(env, "GOPROXY=file://"+filepath.ToSlash(filepath.Join(cache, "cache", "download"))+","+proxies)
	rig.Must(t, u.home, append(rig.Environ(), env...), slipway(t), "build", "--src", fixture(t), "--output", t.TempDir(),
		"--base", "builtin", "--builder", builder, "--platform", "linux/amd64")
}

// write writes a file of the home folder, such as a .netrc.
func (u *user) write(t *testing.T, mode fs.FileMode, name, format string, args ...any) string {
	t.Helper()
	file := filepath.Join(u.home, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, format, args...), mode))
	require.NoError(t, os.Chmod(file, mode))
	return file
}

// forget empties the home folder between cases.
func (u *user) forget(t *testing.T) {
	t.Helper()
	u.addressed = false
	list, err := os.ReadDir(u.home)
	require.NoError(t, err)
	for _, d := range list {
		require.NoError(t, os.RemoveAll(filepath.Join(u.home, d.Name())))
	}
}

func (u *user) netrc(t *testing.T, name, password string) string {
	t.Helper()
	return u.write(t, 0o600, name, "machine %s login gopher password %s\n", privateHost, password)
}

// helper makes git ask a program of the user's for the password.
func (u *user) helper(t *testing.T, password string) {
	t.Helper()
	program := u.write(t, 0o700, "bin/helper", "#!/bin/sh\nif [ \"$1\" = get ]; then echo username=gopher; echo password=%s; fi\n", password)
	u.write(t, 0o600, ".gitconfig", "[credential]\n\thelper = %s\n", program)
}

// ssh is a program that git takes for ssh: it knows the host and looks at the key.
func (u *user) ssh(t *testing.T, key string) []string {
	t.Helper()
	u.write(t, 0o600, ".gitconfig", "[url \"ssh://git@%s/\"]\n\tinsteadOf = https://%s/\n", privateHost, privateHost)
	file := u.write(t, 0o600, ".ssh/id_test", "%s", key)
	program := u.write(t, 0o700, "bin/ssh", `#!/bin/sh
host= command=
for arg; do host=$command command=$arg; done
[ "$1" = -i ] && [ "$host" = git@%s ] || { echo "unexpected: $*" >&2; exit 255; }
[ "$(cat "$2")" = %s ] || { echo "$host: Permission denied (publickey)." >&2; exit 255; }
path=${command#*\'}
echo "$command" >> %s/ssh.log
exec git-upload-pack %s"${path%%\'}"
`, privateHost, u.origin.password, u.home, u.origin.repositories)
	return []string{"GIT_SSH_COMMAND=" + program + " -i " + file}
}

// token puts a password into the address that git uses in place of the host's.
func (u *user) token(t *testing.T, password string) {
	t.Helper()
	u.addressed = true
	u.write(t, 0o600, ".gitconfig", "[url \"https://gopher:%s@%s/\"]\n\tinsteadOf = https://%s/\n", password, privateHost, privateHost)
}

// build builds a service that needs the module of that name.
func (u *user) build(t *testing.T, name string, env []string, flags ...string) (r rig.Result, layout string) {
	t.Helper()
	module, sums := u.origin.publish(t, name)
	src, out := needing(t, module, sums), t.TempDir()
	// The script is constant; what varies reaches it as variables and arguments.
	const script = `set -e; mount --bind "$HOSTS" /etc/hosts; exec "$@"`
	args := append([]string{
		"--mount", "sh", "-c", script, "sh", slipway(t), "build", "--src", src, "--output", out,
		"--base", "builtin", "--builder", builder, "--platform", "linux/amd64",
	}, flags...)
	start := time.Now()
	seen := u.watch()
	r = rig.Run(t, src, slices.Concat(u.env, []string{"HOSTS=" + u.origin.hosts}, env), "unshare", args...)
	u.requireNoSecret(t, seen(), r, out, start)
	return r, out
}

// Every way in which go and git find credentials leads into a build, and what they
// find goes nowhere else.
func TestPrivate_ModulesBuildWithTheUsersOwnCredentials(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	private := "GOPRIVATE=" + privateHost
	for _, c := range []struct {
		name, module string
		prepare      func(t *testing.T) []string
	}{
		{"netrc", "closed/netrc", func(t *testing.T) []string {
			u.netrc(t, ".netrc", u.origin.password)
			return []string{private}
		}},
		{"NETRC and a credential helper", "closed/helper", func(t *testing.T) []string {
			u.helper(t, u.origin.password)
			return []string{private, "NETRC=" + u.netrc(t, "elsewhere", u.origin.password)}
		}},
		{"go env -w and a credential helper", "open/helper", func(t *testing.T) []string {
			u.helper(t, u.origin.password)
			rig.Must(t, u.home, u.env, "go", "env", "-w", private)
			return nil
		}},
		{"GOAUTH=git and a credential helper", "closed/goauth", func(t *testing.T) []string {
			u.helper(t, u.origin.password)
			return []string{private, "GOAUTH=git " + u.home}
		}},
		{"an address with a token in git's configuration", "open/token", func(t *testing.T) []string {
			u.token(t, u.origin.password)
			return []string{private}
		}},
		{"an address with a token in git's variables", "open/variables", func(*testing.T) []string {
			u.addressed = true
			return []string{
				private, "GIT_CONFIG_COUNT=1", "GIT_CONFIG_VALUE_0=https://" + privateHost + "/",
				"GIT_CONFIG_KEY_0=url.https://gopher:" + u.origin.password + "@" + privateHost + "/.insteadOf",
			}
		}},
		{"ssh", "open/ssh", func(t *testing.T) []string { return append(u.ssh(t, u.origin.password), private) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			u.forget(t)
			env, before := c.prepare(t), u.origin.admitted.Load()
			r, layout := u.build(t, c.module, env, "--verbose")
			require.Regexp(t, `^sha256:[0-9a-f]{64}\n$`, r.Stdout, "%s", r.Stderr)
			require.DirExists(t, filepath.Join(layout, "harbour", "blobs"))
			if strings.HasSuffix(c.module, "/ssh") {
				require.FileExists(t, filepath.Join(u.home, "ssh.log"))
			} else {
				require.Greater(t, u.origin.admitted.Load(), before, "git did not come with the password")
			}
			require.NotContains(t, u.proxy.asked(), privateHost, "the proxy learned of a private module")
		})
	}
}

// Where it does not work, a sentence says what is wrong and what to do.
func TestPrivate_RefusalsSayWhatToDo(t *testing.T) {
	t.Parallel()
	u := newUser(t)
	private := "GOPRIVATE=" + privateHost
	for _, c := range []struct {
		name, module string
		prepare      func(t *testing.T) []string
		want         []string
	}{
		{"without GOPRIVATE", "closed/unset", func(t *testing.T) []string {
			u.netrc(t, ".netrc", u.origin.password)
			return nil
		}, []string{"the module proxy does not have " + privateHost + "/closed/unset", "GOPRIVATE=" + privateHost}},
		{"without GOPRIVATE and with direct alone", "closed/direct", func(*testing.T) []string {
			return []string{"GOPROXY=direct"}
		}, []string{privateHost + "/closed/direct", "GOPRIVATE=" + privateHost}},
		{"a wrong password for go", "closed/wrong", func(t *testing.T) []string {
			u.netrc(t, ".netrc", u.wrong)
			return []string{private}
		}, []string{privateHost + " refused to give " + privateHost + "/closed/wrong", "credentials"}},
		{"a wrong password for git", "open/wrong", func(t *testing.T) []string {
			u.helper(t, u.wrong)
			return []string{private}
		}, []string{privateHost + " refused to give " + privateHost + "/open/wrong", "credentials"}},
		{"a wrong token", "open/wrongtoken", func(t *testing.T) []string {
			u.token(t, u.wrong)
			return []string{private}
		}, []string{privateHost + " refused to give " + privateHost + "/open/wrongtoken", "credentials"}},
		{"no password", "open/none", func(*testing.T) []string {
			return []string{private}
		}, []string{privateHost + " refused to give " + privateHost + "/open/none", "credentials"}},
		{"a wrong key", "open/key", func(t *testing.T) []string {
			return append(u.ssh(t, u.wrong), private)
		}, []string{privateHost + " refused to give " + privateHost + "/open/key", "credentials"}},
		{"a broken host and a token", "open/broken", func(t *testing.T) []string {
			u.token(t, u.origin.password)
			return []string{private}
		}, []string{privateHost + "/open/broken"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			u.forget(t)
			r, _ := u.build(t, c.module, c.prepare(t), "--verbose")
			require.Equal(t, 10, r.Code, "%s", r.Stderr)
			require.Empty(t, r.Stdout)
			_, sentence, _ := strings.Cut(r.Stderr, "error: ")
			for _, want := range c.want {
				require.Contains(t, sentence, want)
			}
		})
	}
}

// watch looks at the arguments of all processes until the returned function is
// called, which says which programs had a secret in theirs.
func (u *user) watch() (seen func() []string) {
	done, found := make(chan struct{}), make(chan []string)
	go func() {
		var programs []string
		for {
			files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
			for _, file := range files {
				text, _ := os.ReadFile(file)
				if bytes.Contains(text, []byte(u.origin.password)) || bytes.Contains(text, []byte(u.wrong)) {
					program, _, _ := bytes.Cut(text, []byte{0})
					programs = append(programs, filepath.Base(string(program)))
				}
			}
			select {
			case <-done:
				found <- programs
				return
			case <-time.After(time.Millisecond):
			}
		}
	}()
	return func() []string {
		close(done)
		return <-found
	}
}

// requireNoSecret looks for both passwords everywhere but in the home folder.
func (u *user) requireNoSecret(t *testing.T, programs []string, r rig.Result, layout string, start time.Time) {
	t.Helper()
	for _, program := range programs {
		require.True(t, u.addressed && (program == "git" || program == "git-remote-https"), "a password is among the arguments of %s", program)
	}
	secrets := []string{u.origin.password, u.wrong}
	for _, secret := range secrets {
		require.NotContains(t, r.Stdout, secret)
		require.NotContains(t, r.Stderr, secret)
	}
	for _, dir := range append(u.caches, layout) {
		require.NoError(t, filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				if err == nil && d.IsDir() && strings.HasPrefix(d.Name(), "toolchain@") {
					return fs.SkipDir
				}
				return ignoreGone(err)
			}
			info, err := d.Info()
			if err != nil || info.ModTime().Before(start) {
				return ignoreGone(err)
			}
			text, err := os.ReadFile(name)
			if err != nil {
				return ignoreGone(err)
			}
			for _, secret := range secrets {
				require.NotContains(t, string(text), secret, name)
				require.NotContains(t, unzipped(text), secret, name)
			}
			return nil
		}))
	}
}

// ignoreGone lets other tests use the shared build cache meanwhile.
func ignoreGone(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

func unzipped(text []byte) string {
	zip, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return ""
	}
	plain, _ := io.ReadAll(zip)
	return string(plain)
}

// recorder is a module proxy that has nothing and remembers what it was asked for.
type recorder struct {
	url   string
	mu    sync.Mutex
	paths []string
}

func newRecorder(t *testing.T) *recorder {
	t.Helper()
	p := &recorder{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.paths = append(p.paths, r.URL.Path)
		http.NotFound(w, r)
	}))
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

func (p *recorder) asked() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.paths, "\n")
}
