package gocmd_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/engine/gocmd"
)

// bones is a tree with each kind of file that go list looks at.
var bones = map[string]string{
	"go.mod":             "module example.com/tide\n\ngo 1.25.0\n\nrequire example.com/lib v0.0.0\n\nreplace example.com/lib => ./lib\n",
	"lib/go.mod":         "module example.com/lib\n\ngo 1.25.0\n",
	"lib/lib.go":         "package lib\n\nconst A = 1\n",
	"cmd/tide/main.go":   "// A command.\npackage main\n\nimport (\n\t\"embed\"\n\t_ \"example.com/lib\"\n\t\"example.com/tide/table\"\n)\n\n//go:embed \"a name.txt\" all:static `*.tmpl`\nvar files embed.FS\n\nfunc main() { println(table.High()) }\n",
	"cmd/tide/group.go":  "package main\n\nimport _ \"embed\"\n\nvar (\n\t//go:embed group.txt\n\tgroup string\n\n\t/* and */ //go:embed block.txt\n\tblock string\n)\n",
	"cmd/tide/group.txt": "x", "cmd/tide/block.txt": "x",
	"cmd/tide/a name.txt":  "x",
	"cmd/tide/one.tmpl":    "x",
	"cmd/tide/other.txt":   "not embedded",
	"cmd/tide/default.pgo": "x",
	"cmd/tide/static/.dot": "x", "cmd/tide/static/deep/er.css": "x",
	"table/table.go":       "package table\n\nimport _ \"example.com/tide/_odd/testdata/x\"\n\n// High is in assembly.\nfunc High() int\n",
	"table/high_amd64.s":   "TEXT ·High(SB), 4, $0-8\n\tRET\n",
	"table/high.h":         "#define X 1\n",
	"table/tagged.go":      "//go:build never\n\npackage table\n",
	"table/windows_os.go":  "package table\n",
	"table/os_windows.go":  "package table\n",
	"table/rsrc.syso":      "binary",
	"table/table_test.go":  "package table\n",
	"_odd/testdata/x/x.go": "package x\n",
	".hidden/x.go":         "package hidden\n", "node_modules/x.go": "package x\n", "README.md": "read me\n", "data.bin": "data",
}

func written(t *testing.T, files map[string]string) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	return dir
}

func listed(t *testing.T, dir string) string {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,GoFiles,SFiles,HFiles,SysoFiles,EmbedFiles,DepOnly", "-buildvcs=false", "./cmd/tide")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	require.NoError(t, err, "%s", &stderr)
	return string(text)
}

// go list answers the same about the skeleton of a tree as about the tree.
func TestSkeleton_IsAllThatGoListReads(t *testing.T) {
	t.Parallel()
	tree := written(t, bones)
	skeleton, err := gocmd.ReadSkeleton(t.Context(), tree)
	require.NoError(t, err)
	kept := map[string]string{}
	for name, text := range skeleton {
		kept[name] = string(text)
	}
	answer := listed(t, tree)
	require.Contains(t, answer, "static/.dot")
	require.Contains(t, answer, "group.txt")
	require.Contains(t, answer, "high_amd64.s")
	require.Equal(t, answer, listed(t, written(t, kept)))
	for _, name := range []string{"README.md", "data.bin", "cmd/tide/other.txt", ".hidden/x.go", "node_modules/x.go"} {
		require.NotContains(t, skeleton, name)
	}
	require.Empty(t, skeleton["cmd/tide/a name.txt"], "of what is embedded the name alone")
	require.NotContains(t, string(skeleton["table/table.go"]), "High")
}

// An edit inside a function leaves a skeleton as it is; what decides the list of
// files changes it.
func TestSkeleton_ChangesWithWhatDecidesTheList(t *testing.T) {
	t.Parallel()
	hash := func(change func(map[string]string)) string {
		files := map[string]string{}
		for name, text := range bones {
			files[name] = text
		}
		change(files)
		skeleton, err := gocmd.ReadSkeleton(t.Context(), written(t, files))
		require.NoError(t, err)
		return skeleton.Hash()
	}
	same := hash(func(map[string]string) {})
	for name, change := range map[string]func(map[string]string){
		"a body":           func(f map[string]string) { f["lib/lib.go"] += "\nvar B = 2\n" },
		"an embedded file": func(f map[string]string) { f["cmd/tide/one.tmpl"] = "y" },
		"the readme":       func(f map[string]string) { f["README.md"] = "y" },
	} {
		require.Equal(t, same, hash(change), name)
	}
	for name, change := range map[string]func(map[string]string){
		"an import": func(f map[string]string) {
			f["lib/lib.go"] = strings.Replace(f["lib/lib.go"], "\n\n", "\n\nimport _ \"fmt\"\n\n", 1)
		},
		"a build constraint": func(f map[string]string) { f["lib/lib.go"] = "//go:build linux\n\n" + f["lib/lib.go"] },
		"a package clause":   func(f map[string]string) { f["table/tagged.go"] = "package table\n" },
		"an embedded name":   func(f map[string]string) { f["cmd/tide/two.tmpl"] = "" },
		"a pattern": func(f map[string]string) {
			f["cmd/tide/main.go"] = strings.Replace(f["cmd/tide/main.go"], "*.tmpl", "one.tmpl", 1)
		},
		"a file":               func(f map[string]string) { f["lib/more.go"] = "package lib\n" },
		"go.mod":               func(f map[string]string) { f["go.mod"] += "\n// x\n" },
		"assembly":             func(f map[string]string) { f["table/high_amd64.s"] = "//go:build never\n" },
		"a profile":            func(f map[string]string) { delete(f, "cmd/tide/default.pgo") },
		"a file of the system": func(f map[string]string) { f["table/more_linux.go"] = "package table\n" },
	} {
		require.NotEqual(t, same, hash(change), name)
	}
}

// A link of the tree is followed inside it only, and what does not parse is kept whole
// so that go list says what is wrong with it.
func TestSkeleton_OfLinksAndBrokenFiles(t *testing.T) {
	t.Parallel()
	tree := written(t, map[string]string{"go.mod": "module m\n", "a.go": "package a\n\nvar A = 1\n", "bad.go": "packag a\nvar B = 2\n"})
	secret := filepath.Join(t.TempDir(), "secret.go")
	require.NoError(t, os.WriteFile(secret, []byte("secret"), 0o600))
	require.NoError(t, os.Symlink("a.go", filepath.Join(tree, "in.go")))
	require.NoError(t, os.Symlink(secret, filepath.Join(tree, "out.go")))
	require.NoError(t, os.Symlink("nowhere", filepath.Join(tree, "dangling.go")))
	skeleton, err := gocmd.ReadSkeleton(t.Context(), tree)
	require.NoError(t, err)
	require.Equal(t, "package a\n", string(skeleton["in.go"]))
	require.Contains(t, string(skeleton["bad.go"]), "var B")
	require.NotContains(t, skeleton, "out.go")
	require.NotContains(t, skeleton, "dangling.go")
}
