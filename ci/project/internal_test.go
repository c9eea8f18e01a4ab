package project

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCommitterTime_ReadsTheHeaderOnly(t *testing.T) {
	t.Parallel()
	const tree, author = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n", "author A <a@example.com> 1 +0000\n"
	at := func(s string) string { return tree + author + "committer C <c@example.com> " + s + "\n\nmessage\n" }
	tests := map[string]struct {
		commit string
		want   int64 // -1 is an error
	}{
		"plain":                {at("1772575567 +0700"), 1772575567},
		"no zone":              {at("1772575567"), 1772575567},
		"zero":                 {at("0 +0000"), 0},
		"last of 9999":         {at("253402300799 +0000"), 253402300799},
		"year 10000":           {at("253402300800 +0000"), -1},
		"more than 64 bits":    {at("99999999999999999999 +0000"), -1},
		"negative":             {at("-1 +0000"), -1},
		"signed":               {at("+1 +0000"), -1},
		"no number":            {at("now"), -1},
		"no time":              {at(""), -1},
		"angles in the name":   {tree + "committer a > b <x> 1 +0000 <c@example.com> 7 +0000\n\n", 7},
		"no address":           {tree + "committer 7 +0000\n\n", 7},
		"empty name":           {tree + "committer <> 7 +0000\n\n", 7},
		"only in the message":  {tree + author + "\ncommitter C <c@example.com> 7 +0000\n", -1},
		"only in a signature":  {tree + author + "gpgsig x\n committer C <c@example.com> 7 +0000\n\n", -1},
		"after a merged tag":   {tree + "mergetag object x\n \n tagger <> 1 +0000\ncommitter C <c> 7 +0000\n\n", 7},
		"no message":           {tree + "committer C <c> 7 +0000", 7},
		"nothing":              {"", -1},
		"longer word":          {tree + "committers C <c> 7 +0000\n\n", -1},
		"the first one counts": {tree + "committer C <c> 7 +0000\ncommitter C <c> 8 +0000\n\n", 7},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := committerTime([]byte(tt.commit))
			if tt.want < 0 {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, time.Unix(tt.want, 0).UTC(), got)
		})
	}
}

func FuzzCommitterTime(f *testing.F) {
	f.Add([]byte("tree x\ncommitter C <c@example.com> 1772575567 +0700\n\nmessage\n"))
	f.Add([]byte("committer  > \n"))
	f.Add([]byte("committer <> 253402300800\n\n"))
	f.Fuzz(func(t *testing.T, commit []byte) {
		got, err := committerTime(commit)
		if err != nil {
			require.Zero(t, got)
			require.NotContains(t, err.Error(), "\n")
			return
		}
		require.Equal(t, time.UTC, got.Location())
		require.GreaterOrEqual(t, got.Unix(), int64(0))
		require.Less(t, got.Year(), 10000)
	})
}

func FuzzParseClause(f *testing.F) {
	f.Add([]byte("//slipway:ignore\npackage main\n"))
	f.Add([]byte("/* x */ package main; import \"C\"\n"))
	f.Add([]byte("\xef\xbb\xbf//go:build ignore\r\n\r\npackage\tmain"))
	f.Add([]byte("package"))
	f.Fuzz(func(t *testing.T, head []byte) {
		c, err := parseClause(head)
		if err != nil {
			require.Zero(t, c)
			return
		}
		require.NotEmpty(t, c.name)
		require.Contains(t, string(head), c.name)
		if c.tool {
			require.Contains(t, string(head), "//slipway:ignore")
		}
	})
}

func TestLegible_EndsWhereNoGoFileGoesOn(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"package main // größe\n": "package main // größe\n", "a\x00b": "a", "a\xffb": "a", "größ\xc3": "größ",
		"\ufeffa": "\ufeffa", "a\ufeffb": "a", "\ufffd": "\ufffd", "": "",
	}
	for text, want := range tests {
		require.Equal(t, want, string(legible([]byte(text))), "%q", text)
	}
}

func TestShown_MakesHostileNamesPrintable(t *testing.T) {
	t.Parallel()
	require.Equal(t, "cmd/größe x", shown("cmd/größe x"))
	require.Equal(t, `"a\x1b[31m\n"`, shown("a\x1b[31m\n"))
	require.Equal(t, `"\xff"`, shown("\xff"))
	require.Len(t, shown(strings.Repeat("x", 5000)), 512+len("..."))
}

func TestShellWord_QuotesWhatAShellWouldRead(t *testing.T) {
	t.Parallel()
	require.Equal(t, "/src/tide-1.0", shellWord("/src/tide-1.0"))
	require.Equal(t, `'/src/a b'`, shellWord("/src/a b"))
	require.Equal(t, `'/src/$(x)'\''`+"'", shellWord("/src/$(x)'"))
}

// script returns a repository whose git is a shell script.
func script(t *testing.T, limit time.Duration, text string) *repository {
	t.Helper()
	name := filepath.Join(t.TempDir(), "git")
	// See writeScript of the external tests.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	require.NoError(t, os.WriteFile(name, []byte("#!/bin/sh\n"+text), 0o755))
	return &repository{program: name, root: t.TempDir(), env: []string{"PATH=/usr/bin:/bin"}, limit: limit}
}

func TestRepository_BoundsWhatGitDoes(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	_, err := script(t, 100*time.Millisecond, "exec sleep 60\n").run(t.Context(), "cat-file")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "git cat-file was stopped after 100ms")
	require.Less(t, time.Since(begin), 50*time.Second)

	begin = time.Now()
	_, err = script(t, time.Minute, "exec cat /dev/zero\n").run(t.Context(), "ls-tree")
	require.ErrorIs(t, err, errTooMuch)
	require.Less(t, time.Since(begin), 50*time.Second)

	_, err = script(t, time.Minute, "head -c 1000000 /dev/zero | tr '\\0' x >&2\nexit 3\n").run(t.Context(), "ls-tree")
	require.ErrorContains(t, err, "xxx..")
	require.Less(t, len(err.Error()), 2000)
}
