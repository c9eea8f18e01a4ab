package inspect

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// layered applies layers of headers: "d name", "f name", "s name target",
// "h name target".
func layered(t *testing.T, layers ...string) (*tree, error) {
	t.Helper()
	made := newTree(Limits{}.withDefaults())
	for i, l := range layers {
		made.layer = i
		for line := range strings.SplitSeq(l, ", ") {
			fields := strings.Fields(line)
			h := &tar.Header{Typeflag: map[string]byte{"d": tar.TypeDir, "f": tar.TypeReg, "s": tar.TypeSymlink, "h": tar.TypeLink}[fields[0]], Name: fields[1], Mode: 0o755}
			if len(fields) > 2 {
				h.Linkname = fields[2]
			}
			// The size tells which layer a file came from.
			h.Size = int64(i)
			if _, _, err := made.apply(h); err != nil {
				return nil, err
			}
		}
	}
	return made, nil
}

// listed is the tree with the layer that each file came from.
func listed(made *tree) string {
	var all []string
	made.each(func(names []string, n *node) {
		text := join(names)
		switch {
		case n.mode.IsDir():
			text += "/"
		case n.mode&fs.ModeSymlink != 0:
			text += ">" + n.link
		default:
			text += string(rune('0' + n.size))
		}
		all = append(all, text)
	})
	return strings.Join(all, " ")
}

// https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md
func TestTree_IsWhatLayersMakeTogether(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		layers []string
		want   string
	}{
		"a file over a file":                 {[]string{"f a, f b", "f a"}, "/a1 /b0"},
		"a folder over a folder":             {[]string{"d a, f a/b", "d a, f a/c"}, "/a/ /a/b0 /a/c1"},
		"a file over a folder":               {[]string{"d a, f a/b", "f a"}, "/a1"},
		"a folder over a file":               {[]string{"f a", "f a/b"}, "/a/ /a/b1"},
		"a folder over a link":               {[]string{"d b, f b/c, s a b", "d a, f a/d"}, "/a/ /a/d1 /b/ /b/c0"},
		"through a link":                     {[]string{"d usr/bin, s bin usr/bin", "f bin/sh"}, "/bin>usr/bin /usr/ /usr/bin/ /usr/bin/sh1"},
		"through a link to nothing":          {[]string{"s bin usr/bin", "f bin/sh"}, "/bin>usr/bin /usr/ /usr/bin/ /usr/bin/sh1"},
		"through a link to a file":           {[]string{"f b, s a b", "f a/c"}, "/a>b /b/ /b/c1"},
		"a whiteout":                         {[]string{"f a, f b", "f .wh.a"}, "/b0"},
		"a whiteout of a folder":             {[]string{"d a, f a/b, f c", "f .wh.a"}, "/c0"},
		"a whiteout behind a link":           {[]string{"f usr/a, s l usr", "f l/.wh.a"}, "/l>usr /usr/"},
		"a whiteout of nothing":              {[]string{"f a", "f b/.wh.c, f .wh.d"}, "/a0"},
		"a whiteout before its own file":     {[]string{"f a", "f .wh.a, f a"}, "/a1"},
		"a whiteout after its own file":      {[]string{"f a", "f a, f .wh.a"}, "/a1"},
		"a whiteout after its folder's file": {[]string{"f a/b, f a/c", "f a/d, f .wh.a"}, "/a/ /a/d1"},
		"a file again after a whiteout":      {[]string{"f a", "f .wh.a", "f a"}, "/a2"},
		"an opaque folder":                   {[]string{"f a/b, f a/c/d", "f a/.wh..wh..opq, f a/e"}, "/a/ /a/e1"},
		"an opaque folder at the end":        {[]string{"f a/b, f a/c/d", "d a, f a/c/e, f a/.wh..wh..opq"}, "/a/ /a/c/ /a/c/e1"},
		"the root":                           {[]string{"f a", "f .wh..wh..opq, f b"}, "/b1"},
		"opaque once for each layer":         {[]string{"f a/b", "f a/.wh..wh..opq, f a/c, f a/.wh..wh..opq", "f a/.wh..wh..opq"}, "/a/"},
		"marks of AUFS":                      {[]string{"f a", "f .wh..wh.plnk, f .wh., f .wh.., f .wh..."}, "/a0"},
		"a hard link":                        {[]string{"f a, h b a", "f a"}, "/a1 /b0"},
		"a hard link to a lower layer":       {[]string{"d d, f d/a", "h b ./d/a"}, "/b0 /d/ /d/a0"},
		"a hard link through a link":         {[]string{"f usr/a, s l usr, h b l/a"}, "/b0 /l>usr /usr/ /usr/a0"},
		"dots":                               {[]string{"f ./a, f b/../c, f ../../d, f /e"}, "/a0 /c0 /d0 /e0"},
		"a link over the root":               {[]string{"d ., f a", "d /"}, "/a0"},
		"a link out of the root":             {[]string{"d b, s a ../../b", "f a/c"}, "/a>../../b /b/ /b/c1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made, err := layered(t, c.layers...)
			require.NoError(t, err)
			require.Equal(t, c.want, listed(made))
		})
	}
}

func TestTree_FindsAsAContainerWould(t *testing.T) {
	t.Parallel()
	made, err := layered(t, "f usr/bin/a, s bin usr/bin, s abs /usr/bin, s up ../../usr, s self self, s x y, s y x, s dangling nowhere, s deep up/bin/../bin/a")
	require.NoError(t, err)
	for name, want := range map[string]string{
		"bin/a": "/usr/bin/a", "/abs/a": "/usr/bin/a", "up/bin/a": "/usr/bin/a", "/bin/../bin/a": "/usr/bin/a", "deep": "/usr/bin/a",
		"../../usr/bin/./a": "/usr/bin/a", "/": "/", "": "/", "bin/..": "/usr", "/usr/bin/a/": "/usr/bin/a",
	} {
		at, err := made.find(name, true)
		require.NoError(t, err, name)
		require.Equal(t, want, at.path(), name)
	}
	for name, want := range map[string]error{
		"self": errLoop, "x/y": errLoop, "dangling": fs.ErrNotExist, "usr/bin/a/b": errNotFolder, "nothing": fs.ErrNotExist, "bin/a/..": errNotFolder,
	} {
		_, err := made.find(name, true)
		require.ErrorIs(t, err, want, name)
	}
	at, err := made.find("self", false)
	require.NoError(t, err)
	require.Equal(t, "self", at.link)
}

// Whiteouts that are repeated cost no more than one.
func TestTree_ClearsEachFolderOnce(t *testing.T) {
	t.Parallel()
	const files = 20_000
	made := newTree(Limits{}.withDefaults())
	for i := range files {
		_, _, err := made.apply(&tar.Header{Typeflag: tar.TypeReg, Name: fmt.Sprintf("d/%d", i)})
		require.NoError(t, err)
	}
	for range files {
		_, _, err := made.apply(&tar.Header{Typeflag: tar.TypeReg, Name: "d/.wh..wh..opq"})
		require.NoError(t, err)
	}
	require.Positive(t, made.entries)
}

// Whatever a tar holds, the tree stays a tree within its bounds.
func FuzzTree(f *testing.F) {
	seed := func(headers ...tar.Header) {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, h := range headers {
			_ = w.WriteHeader(&h)
			_, _ = w.Write(make([]byte, h.Size))
		}
		_ = w.Close()
		f.Add(b.Bytes(), b.Bytes())
	}
	seed(tar.Header{Name: "a/", Typeflag: tar.TypeDir, Mode: 0o755}, tar.Header{Name: "a/b", Typeflag: tar.TypeReg, Mode: 0o4755, Size: 3},
		tar.Header{Name: "c", Typeflag: tar.TypeSymlink, Linkname: "../a"}, tar.Header{Name: "c/.wh.b"}, tar.Header{Name: "d", Typeflag: tar.TypeLink, Linkname: "c/b"})
	seed(tar.Header{Name: "../x/.wh..wh..opq"}, tar.Header{Name: "etc/passwd", Size: 20}, tar.Header{Name: "l", Typeflag: tar.TypeSymlink, Linkname: "l/l"})
	f.Fuzz(func(t *testing.T, lower, upper []byte) {
		limits := Limits{Entries: 500, Names: 4096, Unpacked: 1 << 20}.withDefaults()
		w := &walker{tree: newTree(limits)}
		for i, data := range [][]byte{lower, upper, lower} {
			w.tree.layer = i
			_, _ = w.unpack(bytes.NewReader(data))
		}
		count := 0
		w.tree.each(func(names []string, n *node) {
			count++
			name := names[len(names)-1]
			require.NotContains(t, []string{"", ".", ".."}, name)
			require.NotContains(t, name, "/")
			require.Equal(t, len(names), n.depth)
			require.True(t, n.mode.IsDir() || len(n.children) == 0)
			require.False(t, strings.HasPrefix(name, whiteout))
			at, err := w.tree.find(join(names), false)
			require.NoError(t, err)
			require.Same(t, n, at.node)
		})
		require.LessOrEqual(t, count, limits.Entries)
		u := w.tree.user("nonroot")
		w.tree.entrypoint(Config{Entrypoint: []string{"a/b"}}, u, searched(nil, ""))
		w.tree.files(searched(nil, ""))
		w.tree.zones()
	})
}
