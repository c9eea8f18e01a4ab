package gocmd

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The texts are what go1.26.9 and git 2.39 said.
func TestUnfetched_SaysWhyAModuleWasNotToBeHad(t *testing.T) {
	t.Parallel()
	const ask = "check the credentials for git.example in .netrc, git's credential helper or the SSH agent: git ls-remote https://git.example/team/a.git needs the same"
	const unknown = "check the network and the credentials for git.example in .netrc, git's credential helper or the SSH agent: git ls-remote https://git.example/team/a.git needs the same"
	const git = "main.go:3:8: reading git.example/team/a/go.mod at revision v1.0.0: git ls-remote -q --end-of-options https://git.example/team/a.git in cache/vcs/80b3: exit status 128:\n"
	for text, want := range map[string][2]string{
		"main.go:3:8: git.example/team/a@v1.0.0: reading https://proxy.example/git.example/team/a/@v/v1.0.0.zip: 404 Not Found\n\tserver response: no": {
			"the module proxy does not have git.example/team/a v1.0.0",
			"if it is a private module, set GOPRIVATE=git.example/team in the environment or with go env -w, otherwise correct it in go.mod",
		},
		// A proxy that tried by itself tells what its own git said.
		"go: git.example/a@v1.0.0: reading https://proxy.example/git.example/a/@v/v1.0.0.mod: 404 Not Found\n\tserver response: fatal: could not read Username for 'https://git.example': terminal prompts disabled": {
			"the module proxy does not have git.example/a v1.0.0",
			"if it is a private module, set GOPRIVATE=git.example/a in the environment or with go env -w, otherwise correct it in go.mod",
		},
		"go: example.com/a@v1.0.0: reading https://xxxxx@proxy.example/example.com/a/@v/v1.0.0.mod: 401 Unauthorized": {
			"the module proxy proxy.example refused to give example.com/a (401 Unauthorized)", "check GOPROXY and the credentials for it in .netrc",
		},
		"go: example.com/a@v1.0.0: reading https://proxy.example/example.com/a/@v/v1.0.0.mod: 502 Bad Gateway": {
			"the module proxy proxy.example did not give example.com/a (502 Bad Gateway)", "try again, or check GOPROXY",
		},
		"main.go:3:8: example.com/a@v1.0.0: Get \"http://127.0.0.1:1/example.com/a/@v/v1.0.0.zip\": dial tcp 127.0.0.1:1: connect: connection refused": {
			"the module proxy 127.0.0.1:1 could not be reached for example.com/a: dial tcp 127.0.0.1:1: connect: connection refused", "check GOPROXY and the network",
		},
		"main.go:3:8: unrecognized import path \"git.example/team/a\": reading https://git.example/team/a?go-get=1: 401 Unauthorized\n\tserver response: who are you?": {
			"git.example refused to give git.example/team/a",
			"check the credentials for git.example in .netrc, git's credential helper or the SSH agent: git ls-remote https://git.example/team/a needs the same",
		},
		"main.go:3:8: unrecognized import path \"git.example/team/a\": https fetch: Get \"https://git.example/team/a?go-get=1\": dial tcp: lookup git.example: no such host": {
			"git.example did not give git.example/team/a: dial tcp: lookup git.example: no such host", "git ls-remote https://git.example/team/a asks for the same",
		},
		git + "\tremote: who are you?\n\tfatal: Authentication failed for 'https://git.example/team/a.git/'":              {"git.example refused to give git.example/team/a", ask},
		git + "\tfatal: could not read Username for 'https://git.example': terminal prompts disabled\nConfirm the import": {"git.example refused to give git.example/team/a", ask},
		git + "\tgit@git.example: Permission denied (publickey).\n\tfatal: Could not read from remote repository.":        {"git.example refused to give git.example/team/a", ask},
		git + "\tremote: Repository not found.\n\tfatal: repository 'https://git.example/team/a.git/' not found":          {"git.example refused to give git.example/team/a", ask},
		git + "\tfatal: unable to access 'https://git.example/team/a.git/': The requested URL returned error: 500": {
			"git.example did not give git.example/team/a: unable to access 'https://git.example/team/a.git/': The requested URL returned error: 500",
			"git ls-remote https://git.example/team/a.git asks for the same",
		},
		"go: git.example/team/a.git@v1.0.0: no secure protocol found for repository":                          {"git did not get git.example/team/a.git from git.example over any protocol", unknown},
		"go: downloading git.example/team/a.git v1.0.0\nmain.go:3:8: no secure protocol found for repository": {"git did not get git.example/team/a.git from git.example over any protocol", unknown},
		"go: downloading a.example/a.git v1.0.0\ngo: downloading b.example/b v1.0.0\nmain.go:3:8: no secure protocol found for repository": {
			"git did not get a private module over any protocol", "see by hand that git ls-remote gets each module that GOPRIVATE names",
		},
		"go: git.example/a@v1.0.0: module lookup disabled by GOPROXY=off": {
			"git.example/a is not in the module cache, and GOPROXY names no module proxy",
			"if it is a private module, set GOPRIVATE=git.example/a in the environment or with go env -w, otherwise set GOPROXY to a module proxy (Slipway uses direct only for what GOPRIVATE names)",
		},
		"go: downloading git.example/a v1.0.0\nmain.go:3:8: module lookup disabled by GOPROXY=off": {
			"git.example/a is not in the module cache, and GOPROXY names no module proxy",
			"if it is a private module, set GOPRIVATE=git.example/a in the environment or with go env -w, otherwise set GOPROXY to a module proxy (Slipway uses direct only for what GOPRIVATE names)",
		},
		"go: downloading a.example/a v1.0.0\ngo: downloading b.example/b v1.0.0\nmain.go:3:8: module lookup disabled by GOPROXY=off": {
			"a module is not in the module cache, and GOPROXY names no module proxy", "set GOPROXY to a module proxy (Slipway uses direct only for what GOPRIVATE names)",
		},
	} {
		what, fix, ok := unfetched(text)
		require.True(t, ok, text)
		require.Equal(t, want, [2]string{what, fix})
	}
}

func TestUnfetched_IsSilentAboutOtherFailures(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "./main.go:5:2: undefined: x", "main.go:3:8: no required module provides package example.com/a; to add it:\n\tgo get example.com/a",
		"verifying example.com/a@v1.0.0: checksum mismatch", "main.go:3:8: package nowhere is not in std",
	} {
		_, _, ok := unfetched(text)
		require.False(t, ok, text)
	}
}
