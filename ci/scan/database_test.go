package scan_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/scan"
)

// today is the clock of these tests, and hour the one that a database was made in.
var (
	today = time.Date(2026, 10, 12, 12, 0, 0, 0, time.UTC)
	made  = today.Add(-6 * time.Hour)
)

// request asks on a clock with short times and without the proxy of this machine.
func request(t *testing.T, repositories ...string) scan.Request {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return scan.Request{
		Repositories: repositories, Cache: t.TempDir(), Age: 72 * time.Hour, Transport: transport,
		Wait: 20 * time.Second, Stall: 20 * time.Second, Now: func() time.Time { return today },
	}
}

func databaseOf(t *testing.T, when time.Time) *rig.Artifact {
	t.Helper()
	return rig.NewArtifact(t, rig.MakeDatabase(t, when, rig.Advisories()...), "")
}

// repository is where an artifact is in trouble, under the name that databases have.
func repository(t *testing.T, a *rig.Artifact, trouble rig.Trouble, blobs func()) string {
	t.Helper()
	return a.Serve(t, trouble, blobs) + "/aquasec/trivy-db"
}

func TestFetch_LeavesAFolderForTheScanner(t *testing.T) {
	t.Parallel()
	a := databaseOf(t, made)
	r := request(t, repository(t, a, rig.NoTrouble, nil))
	db, err := scan.Fetch(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, &scan.Database{
		Folder: filepath.Join(r.Cache, strings.TrimPrefix(a.Digest, "sha256:")), Repository: r.Repositories[0], Digest: a.Digest, Updated: made,
	}, db)
	var about map[string]any
	text, err := os.ReadFile(filepath.Join(db.Folder, "db", "metadata.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &about))
	require.Equal(t, map[string]any{
		"Version": 2.0, "UpdatedAt": "2026-10-12T06:00:00Z", "NextUpdate": "2026-10-13T06:00:00Z", "DownloadedAt": "2026-10-12T12:00:00Z",
	}, about)
	info, err := os.Stat(filepath.Join(db.Folder, "db", "trivy.db"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o644), info.Mode())
	require.Positive(t, info.Size())
}

func TestFetch_AsksTheMirrorAndKeepsTheName(t *testing.T) {
	t.Parallel()
	r := request(t, "ghcr.io/aquasecurity/trivy-db:2")
	r.Mirrors = map[string]string{"ghcr.io": databaseOf(t, made).Serve(t, rig.NoTrouble, nil)}
	db, err := scan.Fetch(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, "ghcr.io/aquasecurity/trivy-db:2", db.Repository)
}

// Whatever is wrong with a repository, the next one is asked; and where it is the only
// one, the gate cannot judge and says why.
func TestFetch_GoesOnAfterAnyTrouble(t *testing.T) {
	t.Parallel()
	good := databaseOf(t, made)
	about := func(text string) map[string][]byte {
		return map[string][]byte{"trivy.db": []byte("bolt"), "metadata.json": []byte(text)}
	}
	artifact := func(files map[string][]byte) *rig.Artifact { return rig.NewArtifact(t, rig.Archive(t, files), "") }
	const ok = `{"Version":2,"UpdatedAt":"2026-10-12T06:00:00Z"}`
	for name, tc := range map[string]struct {
		artifact *rig.Artifact
		trouble  rig.Trouble
		says     string
	}{
		"too many requests":     {good, rig.TooMany, "it answered HTTP 429: too many requests"},
		"wants credentials":     {good, rig.Unauthorized, "it answered HTTP 401: it wants credentials"},
		"denied":                {good, rig.Denied, "it answered HTTP 403: access is denied"},
		"missing":               {good, rig.Missing, "it answered HTTP 404: it does not have it"},
		"failing":               {good, rig.Failing, "it answered HTTP 503: the registry itself fails"},
		"refused":               {good, rig.Refused, "it refuses connections"},
		"self-signed":           {good, rig.SelfSigned, "no trusted TLS connection: "},
		"hanging":               {good, rig.Hanging, "no answer within 300ms"},
		"stalling":              {good, rig.Stalling, "nothing more came for 1s"},
		"broken off":            {good, rig.BrokenOff, "the connection broke off"},
		"short":                 {good, rig.Short, "its database ended after "},
		"changed":               {good, rig.Changed, "its database has the digest sha256:"},
		"a page":                {good, rig.Page, "it sent something else than a manifest"},
		"another media type":    {rig.NewArtifact(t, []byte("x"), "application/vnd.oci.image.layer.v1.tar+gzip"), rig.NoTrouble, "its layer is no vulnerability database but "},
		"not gzip":              {rig.NewArtifact(t, []byte("plain"), ""), rig.NoTrouble, "its database is not gzip"},
		"damaged":               {rig.NewArtifact(t, rig.Archive(t, about(ok))[:60], ""), rig.NoTrouble, "its database is damaged: "},
		"too large":             {rig.NewArtifact(t, bytes.Repeat([]byte("x"), 1<<20+1), ""), rig.NoTrouble, "its database has 1048577 bytes, and 1048576 are read"},
		"unpacks too large":     {artifact(map[string][]byte{"trivy.db": make([]byte, 8<<20+1)}), rig.NoTrouble, "its database unpacks to more than the 8388608 bytes"},
		"no database":           {artifact(map[string][]byte{"metadata.json": []byte(ok)}), rig.NoTrouble, "its database has no trivy.db"},
		"no metadata":           {artifact(map[string][]byte{"trivy.db": []byte("bolt")}), rig.NoTrouble, "its database has no metadata.json"},
		"malformed metadata":    {artifact(about("{")), rig.NoTrouble, "its metadata.json is malformed"},
		"another schema":        {artifact(about(`{"Version":3,"UpdatedAt":"2026-10-12T06:00:00Z"}`)), rig.NoTrouble, "its database has the schema 3 in place of 2"},
		"made at no time":       {artifact(about(`{"Version":2}`)), rig.NoTrouble, "its metadata.json does not say when it was made"},
		"too old":               {databaseOf(t, today.Add(-80*time.Hour)), rig.NoTrouble, "its database is 3 days old, and 3 days are allowed"},
		"made in the future":    {databaseOf(t, today.Add(48*time.Hour)), rig.NoTrouble, "its database is of 2026-10-14T12:00:00Z, which is still to come"},
		"very large metadata":   {artifact(about(ok + strings.Repeat(" ", 65536))), rig.NoTrouble, "metadata.json has more than the 65536 bytes"},
		"manifest of no layers": {rig.Manifest(`{"schemaVersion":2,"layers":[]}`), rig.NoTrouble, "its manifest has 0 layers, a database has one"},
		"malformed manifest":    {rig.Manifest(`{"layers":{}}`), rig.NoTrouble, "its manifest is malformed"},
		"very large manifest":   {rig.Manifest(strings.Repeat(" ", 1<<20+1)), rig.NoTrouble, "its manifest has more than the 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := repository(t, tc.artifact, tc.trouble, nil)
			r := request(t, bad).WithLimits(1<<20, 8<<20)
			switch tc.trouble {
			case rig.Hanging:
				r.Wait = 300 * time.Millisecond
			case rig.Stalling:
				r.Stall = time.Second
			}
			_, err := scan.Fetch(t.Context(), r)
			var told *fault.Error
			require.ErrorAs(t, err, &told)
			require.Equal(t, fault.Unjudged, told.Kind, told.Error())
			require.NotEmpty(t, told.Fix)
			require.Len(t, told.Detail, 1)
			require.Contains(t, told.Detail[0], bad+": "+tc.says)

			r.Repositories = []string{bad, repository(t, good, rig.NoTrouble, nil)}
			r.Wait = 20 * time.Second
			if tc.trouble == rig.Hanging {
				r.Wait = 3 * time.Second
			}
			db, err := scan.Fetch(t.Context(), r)
			require.NoError(t, err)
			require.Equal(t, r.Repositories[1], db.Repository)
			require.Empty(t, db.Note)
		})
	}
}

// An archive writes nothing but the two files, and those as files.
func TestFetch_UnpacksTwoRegularFilesAlone(t *testing.T) {
	t.Parallel()
	const about = `{"Version":2,"UpdatedAt":"2026-10-12T06:00:00Z"}`
	file := func(name, text string) tar.Header {
		return tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(text)), PAXRecords: map[string]string{"SLIPWAY.text": text}}
	}
	for name, tc := range map[string]struct {
		entries []tar.Header
		says    string
	}{
		"link":        {[]tar.Header{{Name: "trivy.db", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}}, "trivy.db in its database is no regular file"},
		"twice":       {[]tar.Header{file("trivy.db", "a"), file("./trivy.db", "b")}, "trivy.db is in its database twice"},
		"about twice": {[]tar.Header{file("metadata.json", ""), file("metadata.json", "{}")}, "metadata.json is in its database twice"},
		"others too":  {[]tar.Header{file("../evil", "x"), {Name: "./", Typeflag: tar.TypeDir}, file("./trivy.db", "bolt"), file("/evil", "x"), file("metadata.json", about)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			zipped := gzip.NewWriter(&out)
			archive := tar.NewWriter(zipped)
			for _, h := range tc.entries {
				text := h.PAXRecords["SLIPWAY.text"]
				h.PAXRecords = nil
				require.NoError(t, archive.WriteHeader(&h))
				_, err := archive.Write([]byte(text))
				require.NoError(t, err)
			}
			require.NoError(t, errors.Join(archive.Close(), zipped.Close()))
			r := request(t, repository(t, rig.NewArtifact(t, out.Bytes(), ""), rig.NoTrouble, nil))
			db, err := scan.Fetch(t.Context(), r)
			if tc.says != "" {
				var told *fault.Error
				require.ErrorAs(t, err, &told)
				require.Contains(t, told.Detail[0], tc.says)
				return
			}
			require.NoError(t, err)
			var found []string
			require.NoError(t, filepath.WalkDir(filepath.Dir(r.Cache), func(name string, d os.DirEntry, err error) error {
				if !d.IsDir() {
					found = append(found, d.Name())
				}
				return err
			}))
			require.ElementsMatch(t, []string{".lock", "origin.json", "trivy.db", "metadata.json"}, found)
			text, err := os.ReadFile(filepath.Join(db.Folder, "db", "trivy.db"))
			require.NoError(t, err)
			require.Equal(t, "bolt", string(text))
		})
	}
}

func TestFetch_TakesAPinAtItsWord(t *testing.T) {
	t.Parallel()
	a := databaseOf(t, made)
	name := repository(t, a, rig.NoTrouble, nil)
	db, err := scan.Fetch(t.Context(), request(t, name+"@"+a.Digest))
	require.NoError(t, err)
	require.Equal(t, a.Digest, db.Digest)
	_, err = scan.Fetch(t.Context(), request(t, name+"@sha256:"+strings.Repeat("0", 64)))
	var told *fault.Error
	require.ErrorAs(t, err, &told)
	require.Contains(t, told.Detail[0], "its manifest has the digest "+a.Digest)
}

func TestFetch_NamesEveryRepositoryThatGaveNothing(t *testing.T) {
	t.Parallel()
	a := databaseOf(t, made)
	r := request(t, repository(t, a, rig.TooMany, nil), repository(t, a, rig.Refused, nil), "registry.invalid/trivy-db", "no repository at all")
	_, err := scan.Fetch(t.Context(), r)
	var told *fault.Error
	require.ErrorAs(t, err, &told)
	require.Equal(t, "no vulnerability database could be had from any of 4 repositories", told.What)
	require.Len(t, told.Detail, 4)
	for i, name := range r.Repositories {
		require.True(t, strings.HasPrefix(told.Detail[i], name+": "), told.Detail[i])
	}
	require.Equal(t, "no repository at all: that is not the name of a repository", told.Detail[3])
}

// A database says when its successor comes; until then nobody is asked.
func TestFetch_AsksOnlyWhenThereMayBeANewerOne(t *testing.T) {
	t.Parallel()
	var blobs atomic.Int64
	first := databaseOf(t, made)
	r := request(t, repository(t, first, rig.NoTrouble, func() { blobs.Add(1) }))
	_, err := scan.Fetch(t.Context(), r)
	require.NoError(t, err)
	require.EqualValues(t, 1, blobs.Load())

	live := r.Transport
	r.Transport = nobody{t}
	db, err := scan.Fetch(t.Context(), r)
	require.NoError(t, err)
	require.True(t, db.Cached)
	require.Equal(t, first.Digest, db.Digest)

	r.Transport = live
	r.Now = func() time.Time { return made.Add(25 * time.Hour) }
	db, err = scan.Fetch(t.Context(), r)
	require.NoError(t, err)
	require.True(t, db.Cached)
	require.EqualValues(t, 1, blobs.Load(), "the same digest is not downloaded again")

	second := databaseOf(t, made.Add(24*time.Hour))
	r.Repositories = append(r.Repositories, repository(t, second, rig.NoTrouble, nil))
	r.Mirrors = map[string]string{strings.TrimSuffix(r.Repositories[0], "/aquasec/trivy-db"): strings.TrimSuffix(r.Repositories[1], "/aquasec/trivy-db")}
	db, err = scan.Fetch(t.Context(), r)
	require.NoError(t, err)
	require.False(t, db.Cached)
	require.Equal(t, second.Digest, db.Digest)
}

// nobody is a network on which nothing is asked.
type nobody struct{ t *testing.T }

func (n nobody) RoundTrip(r *http.Request) (*http.Response, error) {
	n.t.Errorf("%s was asked", r.URL)
	return nil, http.ErrServerClosed
}

func TestFetch_UsesAKeptOneWhereNobodyAnswers(t *testing.T) {
	t.Parallel()
	a := databaseOf(t, made)
	r := request(t, "ghcr.io/aquasecurity/trivy-db")
	serve := func(trouble rig.Trouble) { r.Mirrors = map[string]string{"ghcr.io": a.Serve(t, trouble, nil)} }
	serve(rig.NoTrouble)
	_, err := scan.Fetch(t.Context(), r)
	require.NoError(t, err)

	serve(rig.TooMany)
	r.Now = func() time.Time { return made.Add(50 * time.Hour) }
	db, err := scan.Fetch(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, "no repository gave the vulnerability database, so a kept one is used, which is 50 hours old "+
		"(ghcr.io/aquasecurity/trivy-db: it answered HTTP 429: too many requests)", db.Note)

	r.Now = func() time.Time { return made.Add(73 * time.Hour) }
	_, err = scan.Fetch(t.Context(), r)
	require.Equal(t, fault.Unjudged, fault.KindOf(err), "a kept one has an age too")

	// The repository has nothing newer.
	serve(rig.NoTrouble)
	_, err = scan.Fetch(t.Context(), r)
	require.ErrorContains(t, err, "the newest vulnerability database that could be had is 3 days old, and 3 days are allowed")

	r.Now = func() time.Time { return today }
	r.Repositories = []string{repository(t, a, rig.Refused, nil)}
	_, err = scan.Fetch(t.Context(), r)
	require.Equal(t, fault.Unjudged, fault.KindOf(err), "who names other repositories does not trust those of before")
}

// A mirror that lags behind does not bring back what was there before.
func TestFetch_NeverGoesBackToAnOlderOne(t *testing.T) {
	t.Parallel()
	newer, older := databaseOf(t, made), databaseOf(t, made.Add(-24*time.Hour))
	r := request(t, "ghcr.io/aquasecurity/trivy-db")
	r.Mirrors = map[string]string{"ghcr.io": newer.Serve(t, rig.NoTrouble, nil)}
	_, err := scan.Fetch(t.Context(), r)
	require.NoError(t, err)
	r.Mirrors = map[string]string{"ghcr.io": older.Serve(t, rig.NoTrouble, nil)}
	r.Now = func() time.Time { return made.Add(25 * time.Hour) }
	db, err := scan.Fetch(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, newer.Digest, db.Digest)
}

func TestFetch_KeepsTwoAndRemovesWhatACrashLeft(t *testing.T) {
	t.Parallel()
	r := request(t, "ghcr.io/aquasecurity/trivy-db")
	require.NoError(t, os.MkdirAll(filepath.Join(r.Cache, ".new-123", "db"), 0o755))
	var digests []string
	for day := range 3 {
		when := made.AddDate(0, 0, day)
		a := databaseOf(t, when)
		r.Mirrors = map[string]string{"ghcr.io": a.Serve(t, rig.NoTrouble, nil)}
		r.Now = func() time.Time { return when.Add(time.Hour) }
		if day > 0 {
			r.Now = func() time.Time { return when.Add(24 * time.Hour) }
		}
		db, err := scan.Fetch(t.Context(), r)
		require.NoError(t, err)
		require.Equal(t, a.Digest, db.Digest)
		digests = append(digests, strings.TrimPrefix(a.Digest, "sha256:"))
	}
	entries, err := os.ReadDir(r.Cache)
	require.NoError(t, err)
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	require.ElementsMatch(t, []string{".lock", digests[1], digests[2]}, left)
}

func TestFetch_FetchesAgainWhatIsDamaged(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(t *testing.T, folder string){
		"truncated": func(t *testing.T, folder string) {
			require.NoError(t, os.Truncate(filepath.Join(folder, "db", "trivy.db"), 10))
		},
		"gone": func(t *testing.T, folder string) {
			require.NoError(t, os.Remove(filepath.Join(folder, "db", "trivy.db")))
		},
		"metadata": func(t *testing.T, folder string) {
			require.NoError(t, os.WriteFile(filepath.Join(folder, "db", "metadata.json"), []byte("{}"), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := request(t, repository(t, databaseOf(t, made), rig.NoTrouble, nil))
			first, err := scan.Fetch(t.Context(), r)
			require.NoError(t, err)
			damage(t, first.Folder)
			second, err := scan.Fetch(t.Context(), r)
			require.NoError(t, err)
			require.False(t, second.Cached)
			require.Equal(t, first.Folder, second.Folder)
			info, err := os.Stat(filepath.Join(second.Folder, "db", "trivy.db"))
			require.NoError(t, err)
			require.Greater(t, info.Size(), int64(10))
		})
	}
}

func TestFetch_StopsWithItsContext(t *testing.T) {
	t.Parallel()
	a := databaseOf(t, made)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	_, err := scan.Fetch(ctx, request(t, repository(t, a, rig.Hanging, nil), repository(t, a, rig.NoTrouble, nil)))
	require.ErrorIs(t, err, context.Canceled)
}

func TestFetch_TellsADiskFromARepository(t *testing.T) {
	t.Parallel()
	r := request(t, repository(t, databaseOf(t, made), rig.NoTrouble, nil))
	r.Cache = filepath.Join(r.Cache, "file")
	require.NoError(t, os.WriteFile(r.Cache, nil, 0o600))
	_, err := scan.Fetch(t.Context(), r)
	require.Equal(t, fault.Usage, fault.KindOf(err))
}

func TestFetch_RefusesAMirrorThatIsNoHost(t *testing.T) {
	t.Parallel()
	r := request(t, "ghcr.io/aquasecurity/trivy-db")
	r.Mirrors = map[string]string{"ghcr.io": "https://mirror.example/x"}
	_, err := scan.Fetch(t.Context(), r)
	require.Equal(t, fault.Usage, fault.KindOf(err))
}
