package leak

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// secrets are the forms of secrets. Their prefixes are those that the issuers
// document; where one is shorter than what is searched for, its variants are listed.
func secrets() []rule {
	return []rule{
		{PrivateKey, "a private key", []string{"PRIVATE KEY"}, privateKey},
		token(AgeKey, "a private key of age", "", upper|digit, 58, "AGE-SECRET-KEY-1"),
		{AWSKey, "an AWS access key", []string{"AKIA", "ASIA"}, awsKey},
		token(GitHubToken, "a GitHub token", "", word, 36, "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
		token(GitHubToken, "a GitHub token", "github", word|underscore, 60, "_pat_"),
		token(GitLabToken, "a GitLab token", "", urlSafe, 20, "glpat-", "gldt-", "glrt-", "glcbt-"),
		token(SlackToken, "a Slack token", "", word|hyphen, 20, "xoxa-", "xoxb-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-"),
		token(GoogleKey, "a Google API key", "", urlSafe, 33, "AIzaSy"),
		token(StripeKey, "a Stripe key", "sk", word, 16, "_live_"),
		token(StripeKey, "a Stripe key", "rk", word, 16, "_live_"),
		token(NPMToken, "an npm token", "", word, 36, "npm_"),
		token(PyPIToken, "a PyPI token", "pypi-", urlSafe, 40, "AgEI"),
		token(DockerToken, "a Docker Hub token", "dckr", urlSafe, 24, "_pat_"),
		{DockerAuth, "a login to a registry", []string{`"auth"`}, dockerAuth},
		token(VaultToken, "a Vault token", "", urlSafe, 60, "hvs.", "hvb."),
		{URLPassword, "a URL with a password", schemes(), urlPassword},
		{JWT, "a JSON web token", []string{".eyJ"}, jwt},
	}
}

// token is a rule for a prefix and at least n bytes of a set. The anchor is the part
// of the prefix that is rare enough to be searched for.
func token(id Rule, what, before string, of class, n int, anchors ...string) rule {
	return rule{id, what, anchors, func(w window) (int, int, bool) {
		if !bytes.HasSuffix(w.data[:w.at], []byte(before)) || w.afterBlob(w.at) {
			return 0, 0, false
		}
		end := w.run(w.end, of, longest)
		secret := w.data[w.end:end]
		// Where words with hyphens would do too, they have to have a digit.
		ok := len(secret) >= n && !w.beforeBlob(end) && !monotonous(secret) && (of&^word == 0 || digit.any(secret))
		return w.end, end, ok
	}}
}

// longest is how much of a token is looked at, in bytes.
const longest = 512

// longBlob is the length from which on a text of base64 is no token: in longer ones
// every prefix comes up by chance sooner or later. No boundary can be asked for before
// a token: in a Go program strings follow each other without one.
const longBlob = 100

// afterBlob tells what follows a long text of base64.
func (w window) afterBlob(start int) bool {
	return !w.said && start-w.back(start, blob, longBlob) == longBlob
}

// beforeBlob tells what goes on as a long text of base64.
func (w window) beforeBlob(end int) bool {
	return !w.said && w.run(end, blob, longBlob)-end == longBlob
}

// monotonous tells a text like xxxx, which stands for a secret in instructions.
func monotonous(text []byte) bool {
	const few = 6
	return different(text) < few
}

// different counts how many different bytes there are.
func different(text []byte) int {
	var seen [256]bool
	n := 0
	for _, c := range text {
		if !seen[c] {
			seen[c] = true
			n++
		}
	}
	return n
}

// awsKey is an access key ID. Its letters are not rare in lists of names, as of
// SLOVAKIA, so that among bytes of files it has to be a word or have a digit.
func awsKey(w window) (int, int, bool) {
	const n = 16
	end := w.run(w.end, upper|digit, n)
	secret := w.data[w.end:end]
	if len(secret) < n || monotonous(secret) || w.afterBlob(w.at) || w.beforeBlob(end) {
		return 0, 0, false
	}
	// Amazon's own documents end theirs so.
	example := bytes.HasSuffix(secret, []byte("EXAMPLE"))
	return w.end, end, w.said || !example && (digit.any(secret) || !w.beside(w.at, end, word, word))
}

// privateKey is a PEM block of a private key with some of what is in it: programs
// that read keys have the first line alone. In JSON its lines end in a backslash
// and an n.
func privateKey(w window) (int, int, bool) {
	const kind = 32 // BEGIN ENCRYPTED and the like
	begin := w.back(w.at, upper|digit|space, kind)
	if !bytes.HasSuffix(w.data[:begin], []byte("-----")) || !bytes.HasPrefix(w.data[begin:], []byte("BEGIN ")) {
		return 0, 0, false
	}
	rest, ok := bytes.CutPrefix(bytes.TrimPrefix(w.data[w.end:], []byte(" BLOCK")), []byte("-----"))
	if !ok {
		return 0, 0, false
	}
	const enough = 60 // what the shortest key in use has more than: ed25519 in PKCS #8
	var secret []byte
	rest = rest[:min(len(rest), ahead)]
	for range 16 {
		line, after, whole := cutLine(rest)
		rest = after
		if bytes.Contains(line, []byte(": ")) {
			continue
		}
		line = bytes.TrimSpace(line)
		n := window{data: line}.run(0, word|base64Sign, len(line))
		if secret = append(secret, line[:n]...); n < len(line) || !whole || len(secret) >= enough {
			break
		}
	}
	return begin, len(w.data), len(secret) >= enough && !monotonous(secret)
}

// cutLine cuts the first line off, which ends as in a file or as in JSON.
func cutLine(data []byte) (line, rest []byte, whole bool) {
	end, width := bytes.IndexByte(data, '\n'), 1
	if escaped := bytes.Index(data, []byte(`\n`)); escaped >= 0 && (end < 0 || escaped < end) {
		end, width = escaped, 2
	}
	if end < 0 {
		return data, nil, false
	}
	return bytes.TrimSuffix(data[:end], []byte(`\r`)), data[end+width:], true
}

// dockerAuth is an entry of Docker's config.json: a user and password in base64.
func dockerAuth(w window) (int, int, bool) {
	const blanks = " \t\r\n"
	rest, ok := bytes.CutPrefix(bytes.TrimLeft(w.data[w.end:], blanks), []byte(":"))
	if !ok {
		return 0, 0, false
	}
	rest, ok = bytes.CutPrefix(bytes.TrimLeft(rest, blanks), []byte(`"`))
	start := len(w.data) - len(rest)
	end := w.run(start, word|base64Sign, longest)
	if !ok || end == len(w.data) || w.data[end] != '"' {
		return 0, 0, false
	}
	text, err := base64.StdEncoding.DecodeString(string(w.data[start:end]))
	user, password, ok := strings.Cut(string(text), ":")
	printable := strings.IndexFunc(string(text), func(r rune) bool { return r < ' ' || r > '~' }) < 0
	return start, end, err == nil && ok && printable && user != "" && password != ""
}

// schemes are the ends of all schemes of URLs.
func schemes() []string {
	var all []string
	for _, c := range "abcdefghijklmnopqrstuvwxyz0123456789" {
		all = append(all, string(c)+"://")
	}
	return all
}

// urlPassword is scheme://user:password@host. What an image says of itself may have
// no password at all that is not a reference; in files, which are full of examples,
// it has to be long and mixed.
func urlPassword(w window) (int, int, bool) {
	const most, long, mixed = 128, 12, 8
	user := w.run(w.end, urlSafe|userSign, most)
	if user >= len(w.data) || w.data[user] != ':' {
		return 0, 0, false
	}
	start := user + 1
	end := w.run(start, urlSafe|passwordSign, most)
	password := w.data[start:end]
	if len(password) == 0 || end+1 >= len(w.data) || w.data[end] != '@' || classes[w.data[end+1]]&word == 0 && w.data[end+1] != '[' {
		return 0, 0, false
	}
	// References of shells, templates and format strings.
	if bytes.IndexByte([]byte("$<{*"), password[0]) >= 0 || password[0] == '%' && w.run(start+1, digit|upper, 2) < start+3 {
		return 0, 0, false
	}
	if w.said {
		return start, end, true
	}
	ok := len(password) >= long && digit.any(password) && letter.any(password) && !bytes.ContainsAny(password, "$<{*'(") && different(password) >= mixed
	return start, end, ok
}

// jwt is a token of three parts, of which two are JSON objects.
func jwt(w window) (int, int, bool) {
	const least, most = 10, 64 << 10
	if !w.said {
		return 0, 0, false
	}
	start := w.back(w.at, urlSafe, most)
	second := w.run(w.at+1, urlSafe, most)
	if w.at-start < least || second-w.at <= least || second >= len(w.data) || w.data[second] != '.' {
		return 0, 0, false
	}
	end := w.run(second+1, urlSafe, most)
	return start, end, bytes.HasPrefix(w.data[start:], []byte("eyJ")) && end-second > least
}
