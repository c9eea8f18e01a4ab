package rig

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	bolt "go.etcd.io/bbolt"
)

// Source is where the scanner's database has an advisory from. Its name and that of
// its bucket are the scanner's own.
type Source struct{ ID, Name, URL, Bucket string }

// The sources that tests need.
var (
	GoSource     = Source{"govulndb", "The Go Vulnerability Database", "https://pkg.go.dev/vuln/", "go::The Go Vulnerability Database"}
	GitHubSource = Source{"ghsa", "GitHub Security Advisory Go", "https://github.com/advisories?query=type%3Areviewed+ecosystem%3Ago", "go::GitHub Security Advisory Go"}
	DebianSource = Source{"debian", "Debian Security Tracker", "https://salsa.debian.org/security-tracker-team/security-tracker", "debian 13"}
)

// Advisory is what the scanner's database says of one vulnerability in one package.
type Advisory struct {
	Source  Source
	Package string
	// ID is a CVE number where there is one, Aliases are other names.
	ID      string
	Aliases []string
	// Vulnerable are ranges of versions, Patched versions of a Go module. A Debian
	// package has Patched or nothing.
	Vulnerable, Patched []string
	// Severity is critical, high, medium, low, or "" where nobody has rated it.
	Severity string
	Title    string
}

// Advisories are facts of real advisories, one of each kind that a gate tells apart. The
// first is in every program of Go before 1.26.9, the second too and nobody has rated it.
func Advisories() []Advisory {
	return []Advisory{
		{
			Source: GoSource, Package: "stdlib", ID: "CVE-2026-78667", Aliases: []string{"GO-2026-6609"},
			Vulnerable: []string{"<1.26.9", ">=1.27.0-0, <1.27.2"}, Patched: []string{"1.26.9", "1.27.2"},
			Severity: "high", Title: "net/http: many small ranges in a Range header exhaust the CPU",
		},
		{
			Source: GoSource, Package: "stdlib", ID: "CVE-2026-56866", Aliases: []string{"GO-2026-6605"},
			Vulnerable: []string{"<1.26.9", ">=1.27.0-0, <1.27.2"}, Patched: []string{"1.26.9", "1.27.2"},
			Title: "net/http: a CONNECT request with a body confuses HTTP/1 connections",
		},
		{
			Source: GoSource, Package: "golang.org/x/text", ID: "CVE-2022-32149", Aliases: []string{"GO-2022-1059", "GHSA-69ch-w2m2-3vjp"},
			Vulnerable: []string{"<0.3.8"}, Patched: []string{"0.3.8"},
			Severity: "high", Title: "golang.org/x/text/language: ParseAcceptLanguage takes a long time",
		},
		{
			Source: GitHubSource, Package: "github.com/golang-jwt/jwt/v4", ID: "CVE-2024-51744", Aliases: []string{"GHSA-29wx-vh33-7x7r"},
			Vulnerable: []string{"<= 4.5.0"}, Patched: []string{"4.5.1"},
			Severity: "low", Title: "golang-jwt: errors of ParseWithClaims are easily misread",
		},
		{
			Source: DebianSource, Package: "tar", ID: "CVE-2005-2541",
			Severity: "low", Title: "tar: does not warn of setuid files when it extracts",
		},
	}
}

// MakeDatabase makes a database in the form of the real one, made at a time, as the
// layer of its artifact: trivy.db and metadata.json in a tar with gzip.
// https://trivy.dev/docs/latest/configuration/db/
func MakeDatabase(t *testing.T, when time.Time, advisories ...Advisory) []byte {
	t.Helper()
	about := map[string]any{"Version": 2, "UpdatedAt": when, "NextUpdate": when.Add(24 * time.Hour), "DownloadedAt": time.Time{}}
	return Archive(t, map[string][]byte{"trivy.db": boltFile(t, advisories), "metadata.json": encode(t, about)})
}

// Archive makes a tar with gzip of files by their names, in the order of their names
// from the last.
func Archive(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	archive := tar.NewWriter(zipped)
	for _, name := range []string{"trivy.db", "metadata.json"} {
		if text, ok := files[name]; ok {
			require.NoError(t, archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg}))
			_, err := archive.Write(text)
			require.NoError(t, err)
		}
	}
	require.NoError(t, archive.Close())
	require.NoError(t, zipped.Close())
	return out.Bytes()
}

func encode(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return text
}

// severities are the scanner's numbers.
var severities = map[string]int{"low": 1, "medium": 2, "high": 3, "critical": 4}

// affected is the scanner's number for a package that has a vulnerability and no fix.
const affected = 2

func boltFile(t *testing.T, advisories []Advisory) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "trivy.db")
	db, err := bolt.Open(file, 0o600, nil)
	require.NoError(t, err)
	require.NoError(t, db.Update(func(tx *bolt.Tx) error {
		put := func(key string, value any, buckets ...string) {
			b, err := tx.CreateBucketIfNotExists([]byte(buckets[0]))
			require.NoError(t, err)
			for _, name := range buckets[1:] {
				b, err = b.CreateBucketIfNotExists([]byte(name))
				require.NoError(t, err)
			}
			require.NoError(t, b.Put([]byte(key), encode(t, value)))
		}
		// The scanner takes it for granted.
		_, err := tx.CreateBucket([]byte("vulnerability"))
		require.NoError(t, err)
		for _, a := range advisories {
			put(a.Source.Bucket, map[string]string{"ID": a.Source.ID, "Name": a.Source.Name, "URL": a.Source.URL}, "data-source")
			put(a.ID, a.entry(), a.Source.Bucket, a.Package)
			put(a.ID, a.vulnerability(), "vulnerability")
		}
		return nil
	}))
	require.NoError(t, db.Close())
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	return data
}

// entry is what the database has under a package.
func (a Advisory) entry() map[string]any {
	if a.Source != DebianSource {
		return map[string]any{"VendorIDs": a.Aliases, "VulnerableVersions": a.Vulnerable, "PatchedVersions": a.Patched}
	}
	if len(a.Patched) == 0 {
		return map[string]any{"Status": affected, "Severity": severities[a.Severity]}
	}
	return map[string]any{"FixedVersion": a.Patched[0]}
}

// vulnerability is what it has under the name of a vulnerability.
func (a Advisory) vulnerability() map[string]any {
	entry := map[string]any{"Title": a.Title, "References": []string{"https://nvd.nist.gov/vuln/detail/" + a.ID}}
	if a.Severity != "" {
		entry["VendorSeverity"] = map[string]int{"nvd": severities[a.Severity]}
	}
	return entry
}
