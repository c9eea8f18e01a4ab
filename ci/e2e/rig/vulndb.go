package rig

import (
	"bytes"
	"compress/gzip"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Symbols are the functions of one package that a vulnerability is in.
type Symbols struct {
	ID      string
	Aliases []string
	Module  string
	// Ranges are pairs of versions without a v: the first that has it, and the first that
	// does not have it any more.
	Ranges  [][2]string
	Package string
	Names   []string
}

// VulnerableSymbols are facts of advisories that Advisories has too.
func VulnerableSymbols() []Symbols {
	std := [][2]string{{"0", "1.26.9"}, {"1.27.0-0", "1.27.2"}}
	return []Symbols{
		{
			ID: "GO-2026-6609", Aliases: []string{"CVE-2026-78667"}, Module: "stdlib", Ranges: std,
			Package: "net/http", Names: []string{"ServeContent", "ServeFile", "ServeFileFS", "fileHandler.ServeHTTP"},
		},
		{
			ID: "GO-2026-6605", Aliases: []string{"CVE-2026-56866"}, Module: "stdlib", Ranges: std,
			Package: "net/http", Names: []string{"Server.ListenAndServe", "Server.Serve", "conn.serve"},
		},
		{
			ID: "GO-2022-1059", Aliases: []string{"CVE-2022-32149", "GHSA-69ch-w2m2-3vjp"}, Module: "golang.org/x/text", Ranges: [][2]string{{"0", "0.3.8"}},
			Package: "golang.org/x/text/language", Names: []string{"MatchStrings", "ParseAcceptLanguage"},
		},
	}
}

// MakeVulnDB writes a database of vulnerable functions in the form of the real one, and
// returns its folder. https://go.dev/doc/security/vuln/database
func MakeVulnDB(t *testing.T, when time.Time, list ...Symbols) string {
	t.Helper()
	dir := t.TempDir()
	vulns, modules := []any{}, []any{}
	for _, s := range list {
		writeBoth(t, dir, "ID/"+s.ID, s.entry(when))
		vulns = append(vulns, object{"id": s.ID, "modified": when, "aliases": s.Aliases})
		// A module may come twice: of the two, govulncheck would take the last.
		if index := indexOf(list, s.Module, when); index[0].(object)["id"] == s.ID {
			modules = append(modules, object{"path": s.Module, "vulns": index})
		}
	}
	writeBoth(t, dir, "index/db", object{"modified": when})
	writeBoth(t, dir, "index/modules", modules)
	writeBoth(t, dir, "index/vulns", vulns)
	return dir
}

// object is one of JSON.
type object = map[string]any

// entry is an advisory in the form of OSV: https://ossf.github.io/osv-schema
func (s Symbols) entry(when time.Time) object {
	var events []object
	for _, r := range s.Ranges {
		events = append(events, object{"introduced": r[0]}, object{"fixed": r[1]})
	}
	return object{
		"schema_version": "1.3.1", "id": s.ID, "modified": when, "published": when, "aliases": s.Aliases, "details": s.ID,
		"affected": []object{{
			"package":            object{"name": s.Module, "ecosystem": "Go"},
			"ranges":             []object{{"type": "SEMVER", "events": events}},
			"ecosystem_specific": object{"imports": []object{{"path": s.Package, "symbols": s.Names}}},
		}},
	}
}

// indexOf is what the index has of a module.
func indexOf(list []Symbols, module string, when time.Time) []any {
	var index []any
	for _, s := range list {
		if s.Module == module {
			index = append(index, object{"id": s.ID, "modified": when, "fixed": s.Ranges[len(s.Ranges)-1][1]})
		}
	}
	return index
}

// writeBoth writes a file as it is read from a folder, and beside it as from an address.
func writeBoth(t *testing.T, dir, name string, value any) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name)) + ".json"
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	text := encode(t, value)
	require.NoError(t, os.WriteFile(file, text, 0o644))
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, err := w.Write(text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, os.WriteFile(file+".gz", zipped.Bytes(), 0o644))
}

// ServeVulnDB serves a database on a host of this machine without TLS, and returns its
// address there.
func ServeVulnDB(t *testing.T, dir, host string) string {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	require.NoError(t, err)
	s := httptest.NewUnstartedServer(http.FileServer(http.Dir(dir)))
	require.NoError(t, s.Listener.Close())
	s.Listener = listener
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

// ServeVulnDBOverTLS serves a database on the loopback address, and returns its address
// with the setting that lets a program trust it beside what this machine trusts.
func ServeVulnDBOverTLS(t *testing.T, dir string) (address, trust string) {
	t.Helper()
	s := httptest.NewUnstartedServer(http.FileServer(http.Dir(dir)))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // who does not trust it hangs up
	s.StartTLS()
	t.Cleanup(s.Close)
	trusted, err := os.ReadFile("/" + certificates)
	require.NoError(t, err)
	bundle := filepath.Join(t.TempDir(), "trusted.pem")
	own := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	require.NoError(t, os.WriteFile(bundle, append(trusted, own...), 0o644))
	return s.URL, "SSL_CERT_FILE=" + bundle
}
