package replay_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/replay"
)

// archive writes a zip of names and texts, one after the other.
func archive(t *testing.T, parts ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(parts); i += 2 {
		f, err := w.Create(parts[i])
		require.NoError(t, err)
		_, err = f.Write([]byte(parts[i+1]))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return file(t, "artifact.zip", b.String())
}

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func text(t *testing.T, r *receipt.Receipt) string {
	t.Helper()
	b, err := json.Marshal(r)
	require.NoError(t, err)
	return string(b)
}

func TestOpen_FindsTheReceiptInAZip(t *testing.T) {
	t.Parallel()
	one := text(t, passed())
	other := text(t, passed(tests("TestWave=fail")))
	for _, name := range []string{"receipt.json", "report/receipt.json", "../../etc/receipt.json"} {
		rec, err := replay.Open(archive(t, "summary.md", "#", name, one), "/", "")
		require.NoError(t, err, name)
		require.Equal(t, commit, rec.Commit)
	}
	two := archive(t, "a/receipt.json", one, "b/receipt.json", other)
	_, err := replay.Open(two, "/", "")
	require.Equal(t, fault.Usage, fault.KindOf(err))
	require.ErrorContains(t, err, "there are 2 receipts in it: choose one with --receipt NAME")
	rec, err := replay.Open(filepath.Base(two), filepath.Dir(two), "b/receipt.json")
	require.NoError(t, err)
	require.Equal(t, "tests", rec.Print.Kind)
}

func TestOpen_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	bomb := archive(t, "receipt.json", strings.Repeat(" ", 65<<20))
	cut := archive(t, "receipt.json", text(t, passed()))
	whole, err := os.ReadFile(cut)
	require.NoError(t, err)
	large := filepath.Join(t.TempDir(), "large.zip")
	require.NoError(t, os.WriteFile(large, []byte("PK\x03\x04"), 0o600))
	require.NoError(t, os.Truncate(large, 33<<20))
	folder := filepath.Dir(file(t, "receipt.json", "{}"))
	for want, name := range map[string]string{
		"there is no file":                     filepath.Join(t.TempDir(), "absent.json"),
		"this is no receipt: ":                 file(t, "receipt.json", "not json"),
		"its schema is":                        file(t, "receipt.json", `{"schema": "other/1"}`),
		"it names no":                          file(t, "receipt.json", ""),
		"there is no receipt.json in it":       archive(t, "summary.md", "#", "receipt.json.txt", "{}"),
		"its receipt.json is larger":           bomb,
		"the zip cannot be read":               file(t, "cut.zip", string(whole[:len(whole)-30])),
		"the zip is larger than 32 MiB":        large,
		"is a folder: name ":                   folder,
		"is no regular file":                   t.TempDir(),
		"the run was made from files that are": file(t, "receipt.json", text(t, passed(func(r *receipt.Receipt) { r.Source.Dirty = []string{"main.go"} }))),
		"the receipt names no commit":          file(t, "receipt.json", text(t, passed(func(r *receipt.Receipt) { r.Source = nil }))),
		"asks for the gate \"smell\"":          file(t, "receipt.json", text(t, passed(func(r *receipt.Receipt) { r.Run.Request.Gates = []string{"smell"} }))),
		"the receipt's source folder":          file(t, "receipt.json", text(t, passed(func(r *receipt.Receipt) { r.Source.Folder = "/etc" }))),
		"the verdict \"fine\" is none":         file(t, "receipt.json", text(t, passed(func(r *receipt.Receipt) { r.Verdict = "fine" }))),
	} {
		_, err := replay.Open(name, "/", "")
		require.Equal(t, fault.Usage, fault.KindOf(err), want)
		if want == "it names no" {
			want = "this is no receipt"
		}
		require.ErrorContains(t, err, want)
	}
	_, err = replay.Open(archive(t, "receipt.json", "{}"), "/", "b/receipt.json")
	require.ErrorContains(t, err, "there is no b/receipt.json in it")
	_, err = replay.Open(file(t, "receipt.json", text(t, passed())), "/", "receipt.json")
	require.ErrorContains(t, err, "--receipt chooses in a zip")
}

// A zip may say of a file that it is small.
func TestOpen_BelievesNoSizes(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("receipt.json")
	require.NoError(t, err)
	_, err = f.Write([]byte(strings.Repeat(" ", 65<<20)))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	raw := b.Bytes()
	at := bytes.LastIndex(raw, []byte("PK\x01\x02"))
	copy(raw[at+24:at+28], []byte{9, 0, 0, 0})
	_, err = replay.Open(file(t, "lying.zip", string(raw)), "/", "")
	require.Equal(t, fault.Usage, fault.KindOf(err))
}

func TestOpen_LeavesImagesToTheRegistry(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ghcr.io/team/tide:v1", "./layout", "swan/tide:v1", "sw-1.example/tide:v1", "sw1-a.example/tide:v1", "127.0.0.1:5000/tide@" + digest("0a")} {
		rec, err := replay.Open(name, t.TempDir(), "")
		require.NoError(t, err, name)
		require.Nil(t, rec, name)
	}
}

func FuzzOpen(f *testing.F) {
	one, err := json.Marshal(passed(tests("TestWave=fail")))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(one)
	f.Add([]byte("PK\x03\x04"))
	f.Add([]byte(`{"schema":"slipway.receipt/1","verdict":"stopped","source":{"commit":"` + commit + `","folder":"."},"failure":{"kind":"tests"},"run":{"request":{"verb":"check"}}}`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) {
		name := filepath.Join(dir, "receipt.json")
		require.NoError(t, os.WriteFile(name, content, 0o600))
		rec, err := replay.Open(name, dir, "")
		if err != nil {
			require.Equal(t, fault.Usage, fault.KindOf(err))
			return
		}
		_, _ = rec.Token()
		var b bytes.Buffer
		require.NoError(t, replay.Compare(rec, passed()).Text(&b, replay.TextOptions{}))
		require.NoError(t, replay.Compare(rec, rec.Receipt).Text(&b, replay.TextOptions{}))
	})
}
