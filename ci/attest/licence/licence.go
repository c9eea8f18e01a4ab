// Package licence finds out under which licence a module of Go is, from the licence
// files that lie in it in the module cache. What it does not know for sure it does not
// say.
package licence

import (
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/google/licensecheck"
	"golang.org/x/mod/module"
)

const (
	// maxFile bounds what is read of a licence file; the longest known has 35 kB.
	maxFile = 256 << 10
	// covered is how much of a file has to be the licence's own words, in percent. The
	// rest are names and years.
	covered = 90
)

// ids are the licences that are known here, by their identifiers of SPDX. More would
// take seconds to get ready.
var ids = []string{
	"0BSD", "AGPL-3.0", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "EPL-2.0", "GPL-2.0", "GPL-3.0", "ISC",
	"LGPL-2.1", "LGPL-3.0", "MIT", "MIT-0", "MPL-2.0", "Unlicense", "Zlib",
}

// only are identifiers of texts that do not say whether a later version is allowed too:
// such a text alone is not enough to name a licence.
var only = []string{"AGPL-3.0", "GPL-2.0", "GPL-3.0", "LGPL-2.1", "LGPL-3.0"}

// Cache is a module cache. What was found out is kept. It may be used by several at once.
type Cache struct {
	modules fs.FS
	scanner func() (*licensecheck.Scanner, error)

	mu    sync.Mutex
	known map[string]string
}

// NewCache returns the licences in a module cache, the folder that go env GOMODCACHE
// prints, as os.DirFS or os.Root opens it.
func NewCache(modules fs.FS) *Cache {
	return &Cache{modules: modules, scanner: sync.OnceValues(newScanner), known: map[string]string{}}
}

func newScanner() (*licensecheck.Scanner, error) {
	var list []licensecheck.License
	for _, l := range licensecheck.BuiltinLicenses() {
		if slices.Contains(ids, l.ID) {
			list = append(list, l)
		}
	}
	return licensecheck.NewScanner(list)
}

// Of returns the licence of a module as an SPDX expression. It is empty where the module
// is not in the cache, has no licence file, or has one that is not only a known licence.
func (c *Cache) Of(path, version string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := path + "@" + version
	said, known := c.known[key]
	if !known {
		said = c.find(path, version)
		c.known[key] = said
	}
	return said
}

func (c *Cache) find(path, version string) string {
	at, err := module.EscapePath(path)
	if err != nil {
		return ""
	}
	of, err := module.EscapeVersion(version)
	if err != nil {
		return ""
	}
	folder, err := fs.Sub(c.modules, at+"@"+of)
	if err != nil {
		return ""
	}
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return ""
	}
	var all []string
	for _, e := range entries {
		if !e.Type().IsRegular() || !isLicence(e.Name()) {
			continue
		}
		one := c.read(folder, e.Name())
		if one == "" {
			return ""
		}
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	slices.Sort(all)
	return strings.Join(all, " AND ")
}

// isLicence tells the usual names of licence files, as LICENSE, LICENSE.md, LICENSE-MIT and COPYING.
func isLicence(name string) bool {
	name = strings.ToUpper(name)
	return slices.ContainsFunc([]string{"LICENSE", "LICENCE", "COPYING", "UNLICENSE"}, func(prefix string) bool {
		rest, ok := strings.CutPrefix(name, prefix)
		return ok && (rest == "" || strings.IndexByte(".-_", rest[0]) >= 0 && !strings.HasSuffix(rest, ".GO"))
	})
}

// read returns the one licence that a file has.
func (c *Cache) read(folder fs.FS, name string) string {
	f, err := folder.Open(name)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil || len(text) == maxFile {
		return ""
	}
	scanner, err := c.scanner()
	if err != nil {
		return ""
	}
	found := scanner.Scan(text)
	if found.Percent < covered || len(found.Match) == 0 || slices.Contains(only, found.Match[0].ID) {
		return ""
	}
	// A text and its short notice are one licence. Two licences in one file may both be
	// meant or either.
	one := found.Match[0].ID
	if slices.ContainsFunc(found.Match, func(m licensecheck.Match) bool { return m.ID != one }) {
		return ""
	}
	return one
}
