package gocmd

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRedact_TakesCredentialsOutOfAddresses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"fatal: unable to access 'https://gopher:s3cret@git.example/team/a.git/': 500": "fatal: unable to access 'https://xxxxx@git.example/team/a.git/': 500",
		"https://s3cret@git.example/a and http://x:s3cret@b.example":                   "https://xxxxx@git.example/a and http://xxxxx@b.example",
		"https://gopher:s3cret@p@git.example/a":                                        "https://xxxxx@git.example/a",
		"https://gopher:s3c/ret@git.example/a":                                         "https://xxxxx@git.example/a",
		"https://gopher:s3c?r#et@git.example":                                          "https://xxxxx@git.example",
		"https://:s3cret@git.example":                                                  "https://xxxxx@git.example",
		"ssh://git:s3cret@git.example/a":                                               "ssh://xxxxx@git.example/a",
		"\"https://gopher:s3cret@[::1]:8443/a\"":                                       "\"https://xxxxx@[::1]:8443/a\"",
		"reading https://gopher:s3cret@proxy.example/a/@v/v1.0.0.info: 404":            "reading https://xxxxx@proxy.example/a/@v/v1.0.0.info: 404",
		"https://a:s3cret@x//https://b:s3cret@y":                                       "https://xxxxx@x//https://xxxxx@y",
	} {
		require.Equal(t, want, redact(in))
	}
}

func TestRedact_LeavesEverythingElseAlone(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"", "main.go:3:8: undefined: x", "// a comment @ home", "go: downloading example.com/a v1.0.0",
		"a@v1.0.0: reading https://proxy.example/a/@v/v1.0.0.mod: 404 Not Found",
		"a@v1.0.0: reading http://127.0.0.1:8080/a/@v/v1.0.0.mod: 404 Not Found",
		"fatal: could not read from ssh://git@git.example:22/a.git", "git+ssh://git@git.example/a",
		"https://git.example/a?go-get=1", "file:///home/me/a@v1.0.0/b.go",
		"http://[::1]:8080/a/@v/list",
	} {
		require.Equal(t, line, redact(line))
	}
}

func TestBounded_KeepsWholeLinesOnly(t *testing.T) {
	t.Parallel()
	for _, pieces := range [][]string{
		{"one\ntwo\nhttps://gopher:s3cret@git.example\n"},
		{"one\n", "two\nhttps://", "gopher:s3", "cret@git.example\n", "x\n"},
		{"one\ntwo\n", "https://gopher:s3cret@git.example\n", "x\n"},
	} {
		b := &Bounded{Max: 25}
		for _, p := range pieces {
			n, err := b.Write([]byte(p))
			require.NoError(t, err)
			require.Equal(t, len(p), n)
		}
		require.Equal(t, "one\ntwo\n", string(b.Bytes()))
	}
	b := &Bounded{Max: 3}
	_, err := b.Write([]byte("abc"))
	require.NoError(t, err)
	require.Equal(t, "abc", string(b.Bytes()))
}

func FuzzRedact_LeavesNoPasswordBehind(f *testing.F) {
	f.Add("gopher", "p%40ss%2Fword", "fatal: ")
	f.Fuzz(func(t *testing.T, user, password, before string) {
		if user == "" || strings.ContainsAny(user+password, " \t'\"`<>/:@?#") {
			t.Skip("not what the address means")
		}
		line := before + "https://" + user + ":" + password + "-s3cret@git.example/a.git'"
		require.NotContains(t, redact(line), "-s3cret@")
	})
}
