package inspect

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Where package managers and distributions write down what they are. Images without a
// package manager, as those of distroless, have a file for each package in statusFolder.
const (
	statusFile   = "var/lib/dpkg/status"
	statusFolder = "var/lib/dpkg/status.d"
	documents    = "usr/share/doc"
	copyright    = "copyright"
)

var (
	releases     = []string{"etc/os-release", "usr/lib/os-release"}
	apkDatabases = []string{"lib/apk/db/installed", "usr/lib/apk/db/installed"}
	// rpmDatabases are not read; that one is there says that packages are missing.
	rpmDatabases = []string{
		"var/lib/rpm/rpmdb.sqlite", "usr/lib/sysimage/rpm/rpmdb.sqlite", "var/lib/rpm/Packages", "usr/lib/sysimage/rpm/Packages.db",
	}
)

// maxListed is how many packages of one image are listed.
const maxListed = 20_000

// isPackageList tells files that packages are read from.
func isPackageList(name string) bool {
	dir, base := path.Split(name)
	return name == statusFile || slices.Contains(releases, name) || slices.Contains(apkDatabases, name) ||
		path.Clean(dir) == statusFolder && path.Ext(base) != ".md5sums"
}

// isNotice tells a file that may say the licence of a package of Debian's.
func isNotice(name string) bool {
	return strings.HasPrefix(name, documents+"/") && path.Base(name) == copyright
}

// distribution reads os-release(5).
func (t *tree) distribution() *Distribution {
	for _, name := range releases {
		d := Distribution{}
		for line := range strings.Lines(string(t.read(name))) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			if plain, err := strconv.Unquote(value); err == nil {
				value = plain
			}
			value = word(strings.Trim(value, "'"))
			switch key {
			case "ID":
				d.ID = value
			case "VERSION_ID":
				d.Version = value
			}
		}
		if d.ID != "" {
			return &d
		}
	}
	return nil
}

// packages lists what package managers say that they put there, and the files of
// theirs that could not be read.
func (t *tree) packages() (all []Package, unread Listing) {
	read := func(name string, fields func(string) []Package) {
		at, err := t.find(name, true)
		switch {
		case err != nil || !at.mode.IsRegular():
			return
		case int64(len(at.data)) != at.size:
			unread.add("/" + name)
			return
		}
		for _, p := range fields(string(at.data)) {
			if p.Name == "" || p.Version == "" || len(all) == maxListed {
				unread.add("/" + name)
				return
			}
			all = append(all, p)
		}
	}
	read(statusFile, t.debs)
	if folder, err := t.find(statusFolder, true); err == nil {
		for _, name := range slices.Sorted(maps.Keys(folder.children)) {
			if full := path.Join(statusFolder, name); isPackageList(full) {
				read(full, t.debs)
			}
		}
	}
	for _, name := range apkDatabases {
		read(name, apks)
	}
	for _, name := range rpmDatabases {
		if at, err := t.find(name, true); err == nil && at.mode.IsRegular() {
			unread.add("/" + name)
		}
	}
	slices.SortFunc(all, func(a, b Package) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Arch, b.Arch), strings.Compare(a.Version, b.Version))
	})
	// Two paths may lead to one database.
	return slices.Compact(all), unread
}

// debs reads paragraphs of deb-control(5). Those of dpkg's own database say whether
// the package is there.
func (t *tree) debs(text string) []Package {
	var list []Package
	for _, f := range paragraphs(text, ": ") {
		if status := f["Status"]; status != "" && !strings.HasSuffix(status, " installed") {
			continue
		}
		source, _, _ := strings.Cut(f["Source"], " ")
		p := Package{Kind: "deb", Name: word(f["Package"]), Version: word(f["Version"]), Arch: word(f["Architecture"]), Source: word(source)}
		p.Licence = debianLicence(string(t.read(path.Join(documents, p.Name, copyright))))
		list = append(list, p)
	}
	return list
}

// apks reads the database of apk: one letter for each field.
// https://wiki.alpinelinux.org/wiki/Apk_spec
func apks(text string) []Package {
	var list []Package
	for _, f := range paragraphs(text, ":") {
		p := Package{Kind: "apk", Name: word(f["P"]), Version: word(f["V"]), Arch: word(f["A"]), Source: word(f["o"])}
		if licence := f["L"]; isExpression(licence) {
			p.Licence = licence
		}
		list = append(list, p)
	}
	return list
}

// paragraphs reads fields of one line; those that go on in further lines keep their
// first one. Of a field that is there twice the first counts.
func paragraphs(text, between string) []map[string]string {
	var all []map[string]string
	var current map[string]string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" {
			current = nil
			continue
		}
		if current == nil {
			current = map[string]string{}
			all = append(all, current)
		}
		key, value, _ := strings.Cut(line, between)
		if _, twice := current[key]; !twice && key != "" && key[0] != ' ' && key[0] != '\t' {
			current[key] = strings.TrimSpace(value)
		}
	}
	return all
}

// word returns a name or a version, or "" for what cannot be one.
func word(text string) string {
	bad := func(r rune) bool { return r <= ' ' || r > '~' }
	if len(text) > maxName || strings.ContainsFunc(text, bad) {
		return ""
	}
	return text
}
