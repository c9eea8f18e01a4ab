package leak_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/inspect/leak"
)

// alnum is n characters as a token has them. No token is written into this file
// whole: those who look for secrets in repositories would find it.
func alnum(n int) string { return strings.Repeat("a8Kd0ZqW3xLm7RtY5bVc", 10)[:n] }

// pem is a key of that kind in PEM.
func pem(kind string, chars int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "-----BEGIN %s-----\n", kind)
	for rest := alnum(chars); rest != ""; {
		n := min(64, len(rest))
		b.WriteString(rest[:n] + "\n")
		rest = rest[n:]
	}
	fmt.Fprintf(&b, "-----END %s-----\n", kind)
	return b.String()
}

func login(text string) string {
	return `{"auths":{"ghcr.io":{"auth":` + " \n" + `"` + base64.StdEncoding.EncodeToString([]byte(text)) + `"}}}`
}

// secrets are one of each form, wherever it lies, with a twin that is none.
var secrets = []struct {
	rule         leak.Rule
	secret, twin string
}{
	{leak.PrivateKey, pem("PRIVATE KEY", 64), "-----BEGIN PRIVATE KEY-----"},
	{leak.PrivateKey, pem("RSA PRIVATE KEY", 180), pem("RSA PUBLIC KEY", 180)},
	{leak.PrivateKey, pem("OPENSSH PRIVATE KEY", 180), pem("RSA TESTING KEY", 180)},
	{leak.PrivateKey, pem("PGP PRIVATE KEY BLOCK", 180), pem("CERTIFICATE", 180)},
	{leak.PrivateKey, strings.ReplaceAll(pem("PRIVATE KEY", 180), "\n", `\n`), "-----BEGIN PRIVATE KEY-----\\nMIIE...\\n-----END PRIVATE KEY-----\\n"},
	{leak.PrivateKey, strings.ReplaceAll(pem("EC PRIVATE KEY", 180), "\n", "\r\n"), pem("EC PRIVATE KEY", 30)},
	{leak.PrivateKey, strings.Replace(pem("RSA PRIVATE KEY", 128), "\n", "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123456789ABCDEF\n\n", 1), "-----BEGIN %s PRIVATE KEY-----\n%s\n"},
	{leak.AgeKey, "AGE-SECRET-KEY-1" + strings.ToUpper(alnum(58)), "AGE-SECRET-KEY-1..."},
	{leak.AWSKey, "AKIA" + "Z2ZTJ5Q7RWLXOP3M", "AKIA" + "XXXXXXXXXXXXXXXX"},
	{leak.AWSKey, "key=ASIA" + "Z2ZTJ5Q7RWLXOP3M;", "SLOVAKIASLOVENIASOLOMONISLANDS"},
	{leak.GitHubToken, "ghp_" + alnum(36), "ghp_" + strings.Repeat("x", 36)},
	{leak.GitHubToken, "gho_" + alnum(36), "gho_" + alnum(35) + "-"},
	{leak.GitHubToken, "ghu_" + alnum(36), "ghu_"},
	{leak.GitHubToken, "ghs_" + alnum(36), "ghs_[A-Za-z0-9]{36}"},
	{leak.GitHubToken, "ghr_" + alnum(36), "ghr_" + alnum(10)},
	{leak.GitHubToken, "github_pat_" + alnum(22) + "_" + alnum(59), "github_pat_" + alnum(22)},
	{leak.GitLabToken, "glpat-" + alnum(20), "glpat-" + "token-of-the-project"},
	{leak.SlackToken, "xoxb-" + "123456789012-" + alnum(24), "xoxb-" + "not-a-token-but-words"},
	{leak.GoogleKey, "AIzaSy" + alnum(33), "AIzaSy" + alnum(32)},
	{leak.StripeKey, "sk_live_" + alnum(24), "sk_test_" + alnum(24)},
	{leak.StripeKey, "rk_live_" + alnum(24), "is_live_" + alnum(24)},
	{leak.NPMToken, "npm_" + alnum(36), "npm_config_" + alnum(36)},
	{leak.PyPIToken, "pypi-" + "AgEIcHlwaS5vcmc" + alnum(60), "AgEIcHlwaS5vcmc" + alnum(60)},
	{leak.DockerToken, "dckr_pat_" + alnum(27), "dckr_pat_"},
	{leak.VaultToken, "hvs." + alnum(90), "hvs." + alnum(20)},
	{leak.DockerAuth, login("robot:" + alnum(12)), login("no login")},
	{leak.DockerAuth, login("a:b"), `"auth": "none"`},
	{leak.URLPassword, "postgres://app:" + alnum(14) + "@db.example.com/orders", "postgres://app:password@db.example.com/orders"},
	{leak.URLPassword, "redis://:" + alnum(14) + "@cache:6379", "redis://:%s%d%s%d%s%d@cache:6379"},
}

func TestSearch_FindsEachSecret(t *testing.T) {
	t.Parallel()
	// In a Go program strings follow each other without a boundary.
	for _, around := range []string{"\x00", "\n", "text"} {
		for _, c := range secrets {
			if around == "text" && strings.HasPrefix(c.secret, "key=") {
				continue
			}
			found := search(t, []byte(around+c.secret+around))
			require.Len(t, found, 1, "%q", c.secret)
			require.Equal(t, c.rule, found[0].Rule)
			require.Equal(t, 1, found[0].Count)
			require.NotEmpty(t, found[0].What)
		}
	}
	for _, c := range secrets {
		require.Empty(t, search(t, []byte("\n"+c.twin+"\n")), "%q", c.twin)
	}
}

// What an image says of itself is held to the same rules and to stricter ones.
func TestSaid_FindsEachSecret(t *testing.T) {
	t.Parallel()
	rules := leak.NewRules(nil)
	for _, c := range secrets {
		text := "NAME=" + c.secret + " "
		found := rules.Said(text)
		require.Len(t, found, 1, "%q", c.secret)
		require.Equal(t, c.rule, found[0].Rule)
	}
	const head, body = "eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxMjM0NTY3ODkwIn0"
	for _, c := range []struct {
		rule         leak.Rule
		secret, twin string
	}{
		{leak.JWT, head + "." + body + "." + alnum(43), head + "." + body},
		{leak.URLPassword, "https://app:hunter2@example.com", "https://app@example.com"},
		{leak.URLPassword, "redis://:a@cache", "redis://:$PASSWORD@cache"},
		{leak.URLPassword, "http://a:%41@proxy", "http://a:%s@proxy"},
		{leak.AWSKey, "AKIA" + "IOSFODNN7EXAMPLE", "AKIA" + "IOSFODNN"},
	} {
		found := rules.Said(c.secret)
		require.Len(t, found, 1, c.secret)
		require.Equal(t, c.rule, found[0].Rule)
		require.Empty(t, rules.Said(c.twin), c.twin)
		require.Empty(t, search(t, []byte(c.secret)), "files are full of such examples")
	}
}

func TestMask_LeavesNothingOfASecret(t *testing.T) {
	t.Parallel()
	rules := leak.NewRules([]leak.Forbidden{{What: "the home folder", Text: "/home/skipper"}})
	for text, want := range map[string]string{
		"":                                  "",
		"plain":                             "plain",
		"a ghp_" + alnum(36) + " b":         "a ghp_*** b",
		"https://a:hunter2@example.com/b":   "https://a:***@example.com/b",
		"AKIA" + "Z2ZTJ5Q7RWLXOP3M":         "AKIA***",
		"/home/skipper/ghp_" + alnum(36):    "/home/skipper/ghp_***",
		"x" + pem("PRIVATE KEY", 180) + "y": "x-----***",
		"glpat-" + strings.Repeat(alnum(100), 20) + " b": "glpat-*** b",
	} {
		require.Equal(t, want, rules.Mask(text))
	}
	long := "x" + pem("RSA PRIVATE KEY", 100) + strings.Repeat(alnum(64)+"\n", 50)
	require.Equal(t, "x-----***", rules.Mask(long), "nothing of a long key is left")
}

func TestNames_AreThoseOfTheMachine(t *testing.T) {
	t.Parallel()
	rules := leak.NewRules([]leak.Forbidden{
		{What: "the source folder", Text: "/home/skipper/src/tide/"}, {What: "the home folder", Text: "/home/skipper"},
		{What: "the cache folder", Text: `C:\Users\skipper`},
		{What: "the host name", Text: "dock-7"}, {What: "the user name", Text: "skipper_1"}, {What: "again", Text: "/home/skipper"},
		// None of these is looked for.
		{What: "short", Text: "/src"}, {What: "one element", Text: "/workspaces"}, {What: "root", Text: "/"}, {What: "nothing", Text: ""},
		{What: "a word", Text: "localhost"}, {What: "short", Text: "ci-1"},
	})
	for text, want := range map[string]string{
		"/home/skipper/src/tide/main.go": "the source folder", "/home/skipper/src/tides": "the home folder", "/home/skipper": "the home folder",
		"file:///home/skipper/go": "the home folder", "-I=/home/skipper ": "the home folder", "\x00/home/skipper\x00": "the home folder",
		"C:/Users/skipper/go": "the cache folder", `C:\Users\skipper\go`: "the cache folder",
		"on dock-7.": "the host name", "by skipper_1@": "the user name",
		"/home/skippers": "", "/home/skipper2": "", "example.com/home/skipper/a": "", "dock-77": "", "adock-7": "", "dock-7b": "",
		"/src/main.go": "", "/workspaces/a": "", "localhost": "", "ci-1": "", "": "",
	} {
		var got []string
		for _, m := range rules.Names(text) {
			got = append(got, m.What)
			require.Contains(t, []leak.Rule{leak.BuildPath, leak.MachineName}, m.Rule)
		}
		require.Equal(t, want, strings.Join(got, ", "), "%q", text)
		s := rules.Search()
		_, _ = s.Write([]byte(text))
		require.Equal(t, want != "", len(s.End()) == 1, "%q", text)
	}
}

func TestFile_GoesByNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]leak.Rule{
		"/app/.env": leak.EnvFile, "/.env.production": leak.EnvFile, "/app/.env.example": "", "/app/env": "", "/app/.envrc.d/x": "",
		"/src/.git/config": leak.GitFolder, "/src/.git": leak.GitFolder, "/src/.github/x": "", "/src/x.git": "", "/src/.gitignore": "",
		"/root/.netrc": leak.CredentialsFile, "/root/.npmrc": leak.CredentialsFile, "/root/.docker/config.json": leak.CredentialsFile, "/etc/config.json": "",
		"/home/a/.aws/credentials": leak.CredentialsFile, "/home/a/.kube/config": leak.CredentialsFile, "/kube/config": "", "/app/service-account.json": leak.CredentialsFile,
		"/root/.ssh/id_rsa": leak.KeyFile, "/root/.ssh/id_ed25519": leak.KeyFile, "/root/.ssh/id_rsa.pub": "", "/tls/server.p12": leak.KeyFile, "/tls/server.pfx": leak.KeyFile,
		"/etc/ssl/cert.pem": "",
	} {
		found, place, ok := leak.File(name, false)
		require.Equal(t, want, found.Rule, name)
		require.Equal(t, want != "", ok, name)
		if want == leak.GitFolder {
			require.Equal(t, "/src/.git", place)
		} else if ok {
			require.Equal(t, name, place)
		}
	}
	for name, want := range map[string]bool{"/src/.git": true, "/app/.env": false, "/root/.ssh/id_rsa": false} {
		_, _, ok := leak.File(name, true)
		require.Equal(t, want, ok, name)
	}
}

// Whatever bytes there are, some look like anything by chance. Those that are as
// likely as a collision of hashes may be asked for; this is 64 MiB, and as much
// again in base64, which has every prefix of four letters in it.
func TestSearch_FindsNothingInRandomBytes(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("searches 235 MiB")
	}
	random := rand.NewChaCha8([32]byte{4})
	rules := leak.NewRules([]leak.Forbidden{{What: "the home folder", Text: "/home/skipper"}, {What: "the host name", Text: "dock-7"}})
	plain, url, lines := rules.Search(), rules.Search(), rules.Search()
	block := make([]byte, 3*19<<12)
	for range 64 << 20 / len(block) {
		_, _ = random.Read(block)
		_, _ = plain.Write(block)
		_, _ = url.Write([]byte(base64.RawURLEncoding.EncodeToString(block)))
		for text := []byte(base64.StdEncoding.EncodeToString(block)); len(text) > 0; text = text[76:] {
			_, _ = lines.Write(append(text[:76:76], '\n'))
		}
	}
	require.Empty(t, plain.End())
	require.Empty(t, url.End())
	require.Empty(t, lines.End())
}

// However a file is cut into pieces, the same is found in it.
func FuzzSearch_KnowsNoBoundaries(f *testing.F) {
	for i := range secrets {
		f.Add(uint8(i), uint32(64<<10-20+3*i), uint16(1+i*i), []byte("around"))
	}
	rules := leak.NewRules(nil)
	f.Fuzz(func(t *testing.T, which uint8, at uint32, size uint16, noise []byte) {
		c := secrets[int(which)%len(secrets)]
		before := bytes.Repeat([]byte{' '}, int(at%(70<<10)))
		copy(before, noise)
		data := append(append(before, "\n"+c.secret+"\n"...), noise...)
		pieces := rules.Search()
		for rest := data; len(rest) > 0; {
			n := min(len(rest), 1+int(size))
			_, _ = pieces.Write(rest[:n])
			rest = rest[n:]
		}
		want := pieces.End()
		require.NotEmpty(t, want)
		whole := rules.Search()
		_, _ = whole.Write(data)
		require.Equal(t, want, whole.End())
		_, err := whole.ReadFrom(iotest.HalfReader(bytes.NewReader(data)))
		require.NoError(t, err)
		require.Equal(t, want, whole.End())
		require.Empty(t, whole.End(), "the next file begins with nothing")
	})
}

// A secret is found at every place around the end of a piece.
func TestSearch_FindsWhatLiesAcrossPieces(t *testing.T) {
	t.Parallel()
	s := leak.NewRules(nil).Search()
	for _, end := range []int{64 << 10, 64<<10 + 256, 64<<10 + 256 + 1024, 128 << 10} {
		for at := end - 120; at < end+20; at++ {
			_, _ = s.Write(bytes.Repeat([]byte{'.'}, at))
			_, _ = s.Write([]byte("ghp_" + alnum(36) + "."))
			require.Len(t, s.End(), 1, "at %d", at)
		}
	}
}

// search finds what breaks a rule in the bytes of one file.
func search(t *testing.T, data []byte) []leak.Found {
	t.Helper()
	s := leak.NewRules(nil).Search()
	n, err := s.Write(data)
	require.NoError(t, err)
	require.Equal(t, len(data), n)
	return s.End()
}
