package native

import (
	"crypto/x509"
	"encoding/json"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/pins"
)

// A module of a user may ask for the release that Slipway pins; the code generator
// refuses a newer one than it was built with.
func TestRelease_IsThePinnedOne(t *testing.T) {
	t.Parallel()
	pinned, err := pins.Read(t.TempDir())
	require.NoError(t, err)
	number, err := pinned.GoVersion()
	require.NoError(t, err)
	require.Equal(t, release, "go"+number)
}

func TestVersion_IsThatOfTheModule(t *testing.T) {
	t.Parallel()
	for _, module := range []string{"github.com/dagger/dagger", "dagger.io/dagger"} {
		require.Regexp(t, `(?m)^\t`+regexp.QuoteMeta(module+" "+Version)+` // indirect$`, moduleFile)
	}
}

// The module files are not where go mod tidy looks for them.
func TestModules_AreTidy(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow: left out by -short")
	}
	dir := t.TempDir()
	require.NoError(t, writeModule(dir))
	cmd := exec.Command("go", "mod", "tidy", "-diff")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "GOTOOLCHAIN="+release)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func TestParts_OfAnotherTreeKeepThePrograms(t *testing.T) {
	t.Parallel()
	p := New(Options{Cache: "/c"}).parts()
	require.Equal(t, "/c/engine", filepath.Dir(p.tools))
	for _, name := range []string{p.tools, p.tree, p.content} {
		require.Regexp(t, `/v0\.21\.8-(tools|tree|sdk)-[0-9a-f]{12}$`, name)
	}
}

func TestWhole_LeavesNothingWhereItFails(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "part")
	require.NoError(t, os.Mkdir(dir+".new", 0o755), "left by a crash")
	require.ErrorIs(t, whole(dir, func(string) error { return os.ErrClosed }), os.ErrClosed)
	require.NoDirExists(t, dir)
	require.NoDirExists(t, dir+".new")
	require.NoError(t, whole(dir, func(string) error { return nil }))
	require.DirExists(t, dir)
}

func TestNetwork_IsTheFirstFreeRange(t *testing.T) {
	t.Parallel()
	first, err := newNetwork(DefaultName, nil)
	require.NoError(t, err)
	require.Equal(t, Network{Name: "slipway", CIDR: "10.87.0.0/16", Gateway: "10.87.0.1"}, first)
	second, err := newNetwork(DefaultName, []netip.Prefix{netip.MustParsePrefix("10.87.3.1/24"), netip.MustParsePrefix("192.168.0.1/24")})
	require.NoError(t, err)
	require.Equal(t, "10.88.0.0/16", second.CIDR)
	other, err := newNetwork(strings.Repeat("n", 32), nil)
	require.NoError(t, err)
	require.NotEqual(t, first.CIDR, other.CIDR)
	require.LessOrEqual(t, len(other.Bridge()), 15, "Linux takes no longer names of devices")
	_, err = newNetwork("tide", []netip.Prefix{netip.MustParsePrefix("10.0.0.1/8")})
	require.ErrorContains(t, err, "in use")
}

func TestSettings_BecomeTheEnginesConfiguration(t *testing.T) {
	t.Parallel()
	p, err := Settings{
		Mirrors:   map[string]string{"docker.io": "127.0.0.1:5000", "gcr.io": "http://mirror.example/", "quay.io": "mirror.example:443"},
		PlainHTTP: []string{"10.87.0.1:5000"},
	}.prepare()
	require.NoError(t, err)
	require.Equal(t, DefaultName, p.Name)
	text, err := p.configuration()
	require.NoError(t, err)
	var got struct{ Registries map[string]registry }
	require.NoError(t, json.Unmarshal(text, &got))
	require.Equal(t, map[string]registry{
		"docker.io":      {Mirrors: []string{"127.0.0.1:5000"}},
		"127.0.0.1:5000": {HTTP: true},
		"gcr.io":         {Mirrors: []string{"mirror.example"}},
		"mirror.example": {HTTP: true},
		"quay.io":        {Mirrors: []string{"mirror.example:443"}},
		"10.87.0.1:5000": {HTTP: true},
	}, got.Registries)
}

func TestSettings_HaveOneHashInAnyOrder(t *testing.T) {
	t.Parallel()
	hash := func(s Settings) string {
		p, err := s.prepare()
		require.NoError(t, err)
		hash, err := p.hash(parts{tools: "a"})
		require.NoError(t, err)
		return hash
	}
	one := hash(Settings{Listen: []string{"tcp://a:1", "tcp://b:2"}})
	require.Equal(t, one, hash(Settings{Name: DefaultName, Listen: []string{"tcp://b:2", "tcp://a:1"}}))
	require.NotEqual(t, one, hash(Settings{Listen: []string{"tcp://a:1", "tcp://b:2"}, Insecure: true}))
	require.NotEqual(t, one, hash(Settings{}))
}

func TestIssue_KeepsWhatClientsWereGiven(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), time.Now()
	read := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		return text
	}
	require.NoError(t, issue(dir, []string{"localhost", "127.0.0.1"}, now))
	authority, client := read("ca.pem"), read("client.pem")
	require.NoError(t, issue(dir, []string{"harbour.example"}, now.Add(time.Hour)))
	require.Equal(t, authority, read("ca.pem"))
	require.Equal(t, client, read("client.pem"))

	server, err := load(dir, "server")
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(authority))
	_, err = server.certificate.Verify(x509.VerifyOptions{Roots: pool, DNSName: "harbour.example"})
	require.NoError(t, err)

	// A year later the client's is new, and of the same authority.
	require.NoError(t, issue(dir, nil, now.Add(leafLife)))
	require.Equal(t, authority, read("ca.pem"))
	require.NotEqual(t, client, read("client.pem"))
}

func TestLines_KeepTheLast(t *testing.T) {
	t.Parallel()
	var all []string
	l := &lines{log: func(line string) { all = append(all, line) }}
	for range maxLines {
		_, _ = l.Write([]byte("a\nb"))
		_, _ = l.Write([]byte("c\r\n\n"))
	}
	_, _ = l.Write([]byte("end"))
	l.flush()
	require.Len(t, all, 2*maxLines+1)
	require.Equal(t, "bc", all[1])
	require.Len(t, l.last, maxLines)
	require.Equal(t, "end", l.last[maxLines-1])
}
