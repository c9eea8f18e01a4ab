package gocmd

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// What the go command says of a module that it did not get. Sources:
// cmd/go/internal/modfetch/proxy.go, cmd/go/internal/vcs and internal/web, and git's
// own words behind those of cmd/go/internal/modfetch/codehost.
var (
	fromProxy  = regexp.MustCompile(`(\S+)@(v\S+): reading (\S+/@v/\S+): (\d{3} [^\n]+)`)
	noProxy    = regexp.MustCompile(`(\S+)@(v\S+): Get "(\S+/@v/\S+)": ([^\n]+)`)
	fromMeta   = regexp.MustCompile(`unrecognized import path "([^"\s]+)": (?:reading|https? fetch: Get) "?([^"\s]+\?go-get=1)"?: ([^\n]+)`)
	fromGit    = regexp.MustCompile(`(?:reading (\S+)/go\.mod at revision|(\S+)@v\S+: invalid version:)[^\n]* git (?:ls-remote|fetch)[^\n]* (\S+://\S+)[^\n]*: exit status \d+:`)
	proxyOff   = regexp.MustCompile(`(\S+)@v\S+: module lookup disabled by GOPROXY=off`)
	noProtocol = regexp.MustCompile(`(\S+)@v\S+: no secure protocol found for repository`)
	downloaded = regexp.MustCompile(`(?m)^go: downloading (\S+) v`)
	refusal40x = regexp.MustCompile(`\b(?:401 |403 |Authentication failed|could not read (?:Username|Password)|Permission denied|Host key verification failed|[Rr]epository (?:'\S+' )?not found)`)
	gitFatal   = regexp.MustCompile(`(?m)^\s*fatal: (.+)$`)
)

// unfetched says why a module was not to be had, and what to do. text is what the
// go command said, without credentials; ok is false if it is about something else.
func unfetched(text string) (what, fix string, ok bool) {
	if m := fromProxy.FindStringSubmatch(text); m != nil {
		return proxyAnswered(m[1], m[2], hostOf(m[3]), m[4])
	}
	if m := noProxy.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("the module proxy %s could not be reached for %s: %s", hostOf(m[3]), m[1], m[4]), "check GOPROXY and the network", true
	}
	if m := fromMeta.FindStringSubmatch(text); m != nil {
		return originAnswered(m[1], "https://"+m[1], hostOf(m[2]), m[3], m[3])
	}
	if m := fromGit.FindStringSubmatch(text); m != nil {
		said := "git failed"
		if fatal := gitFatal.FindStringSubmatch(text); fatal != nil {
			said = fatal[1]
		}
		return originAnswered(m[1]+m[2], m[3], hostOf(m[3]), text, said)
	}
	if strings.Contains(text, "no secure protocol found for repository") {
		return unanswered(about(noProtocol, text))
	}
	if strings.Contains(text, "module lookup disabled by GOPROXY=off") {
		return withoutProxy(about(proxyOff, text))
	}
	return "", "", false
}

// about is the module that the go command's words are about, by themselves or because
// it was downloading no other, or empty.
func about(named *regexp.Regexp, text string) string {
	if m := named.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	if all := downloaded.FindAllStringSubmatch(text, -1); len(all) == 1 {
		return all[0][1]
	}
	return ""
}

// unanswered is about a module whose path says that it is a git repository: the go
// command tries one protocol after the other, and does not tell what git said.
func unanswered(module string) (what, fix string, ok bool) {
	if module == "" {
		return "git did not get a private module over any protocol", "see by hand that git ls-remote gets each module that GOPRIVATE names", true
	}
	host, _, _ := strings.Cut(module, "/")
	return fmt.Sprintf("git did not get %s from %s over any protocol", module, host),
		fmt.Sprintf("check the network and the credentials for %s in .netrc, git's credential helper or the SSH agent: git ls-remote https://%s needs the same", host, module), true
}

func proxyAnswered(module, version, host, status string) (what, fix string, ok bool) {
	switch status[:3] {
	case "404", "410":
		return fmt.Sprintf("the module proxy does not have %s %s", module, version), private(module) + ", otherwise correct it in go.mod", true
	case "401", "403", "407":
		return fmt.Sprintf("the module proxy %s refused to give %s (%s)", host, module, status), "check GOPROXY and the credentials for it in .netrc", true
	}
	return fmt.Sprintf("the module proxy %s did not give %s (%s)", host, module, status), "try again, or check GOPROXY", true
}

// originAnswered is about a module that GOPRIVATE names. all is where to look for a
// refusal, said is what to tell.
func originAnswered(module, address, host, all, said string) (what, fix string, ok bool) {
	if refusal40x.MatchString(all) {
		return fmt.Sprintf("%s refused to give %s", host, module),
			fmt.Sprintf("check the credentials for %s in .netrc, git's credential helper or the SSH agent: git ls-remote %s needs the same", host, address), true
	}
	return fmt.Sprintf("%s did not give %s: %s", host, module, said), "git ls-remote " + address + " asks for the same", true
}

func withoutProxy(module string) (what, fix string, ok bool) {
	const setProxy = "set GOPROXY to a module proxy (Slipway uses direct only for what GOPRIVATE names)"
	if module == "" {
		return "a module is not in the module cache, and GOPROXY names no module proxy", setProxy, true
	}
	return fmt.Sprintf("%s is not in the module cache, and GOPROXY names no module proxy", module), private(module) + ", otherwise " + setProxy, true
}

// private is the way out for a private module. The first two elements of its path
// are, on most hosts, the host and the owner.
func private(module string) string {
	elements := strings.Split(module, "/")
	return fmt.Sprintf("if it is a private module, set GOPRIVATE=%s in the environment or with go env -w", strings.Join(elements[:min(2, len(elements))], "/"))
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return address
	}
	return u.Host
}
