package inspect_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/inspect"
)

const (
	mediaTypes = "Package: media-types\nVersion: 13.0.0\nArchitecture: all\nDescription: list of types\n more of it\n Version: 9\n"
	notice     = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: GPL-2+\n text\n\nFiles: a b\nLicense: MPL-2.0\n\nLicense: MPL-2.0\n The text\n"
)

func TestPackages_AreThoseOfTheDistribution(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		files    []entry
		distro   *inspect.Distribution
		packages []inspect.Package
		unlisted []string
	}{
		"none": {distro: &inspect.Distribution{ID: "slipway"}},
		"distroless": {
			files: []entry{
				file("etc/os-release", 0o644, "PRETTY_NAME=\"Distroless\"\nID=\"debian\"\nVERSION_ID='13'\n"),
				file("var/lib/dpkg/status.d/tzdata", 0o644, "Package: tzdata\nVersion: 2026a-0+deb13u1\nArchitecture: all\nSource: zones (1)\n"),
				file("var/lib/dpkg/status.d/bWVkaWEtdHlwZXM", 0o644, mediaTypes),
				file("var/lib/dpkg/status.d/tzdata.md5sums", 0o644, "0 usr/share/zoneinfo/UTC\n"),
				file("usr/share/doc/tzdata/copyright", 0o644, "It is in the public domain.\n"),
				file("usr/share/doc/media-types/copyright", 0o644, notice),
			},
			distro: &inspect.Distribution{ID: "debian", Version: "13"},
			packages: []inspect.Package{
				{Kind: "deb", Name: "media-types", Version: "13.0.0", Arch: "all", Licence: "GPL-2.0-or-later AND MPL-2.0"},
				{Kind: "deb", Name: "tzdata", Version: "2026a-0+deb13u1", Arch: "all", Source: "zones"},
			},
		},
		"dpkg": {
			files: []entry{
				link("etc/os-release", "../usr/lib/os-release"),
				file("usr/lib/os-release", 0o644, "ID=debian\nVERSION_ID=\"13\"\n"),
				file("var/lib/dpkg/status", 0o644, "Package: tar\nStatus: install ok installed\nVersion: 1.35\nArchitecture: amd64\n\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n"),
			},
			distro:   &inspect.Distribution{ID: "debian", Version: "13"},
			packages: []inspect.Package{{Kind: "deb", Name: "tar", Version: "1.35", Arch: "amd64"}},
		},
		"apk": {
			files: []entry{
				file("usr/lib/apk/db/installed", 0o644, "C:Q1=\nP:tzdata\nV:2026a-r0\nA:x86_64\nL:CC-PDDC OR MIT\no:tzdata\n\nP:odd\nV:1-r0\nL:\"quoted\" text\n"),
				link("lib", "usr/lib"),
			},
			distro: &inspect.Distribution{ID: "slipway"},
			packages: []inspect.Package{
				{Kind: "apk", Name: "odd", Version: "1-r0"},
				{Kind: "apk", Name: "tzdata", Version: "2026a-r0", Arch: "x86_64", Source: "tzdata", Licence: "CC-PDDC OR MIT"},
			},
		},
		"unreadable": {
			files: []entry{
				file("var/lib/rpm/rpmdb.sqlite", 0o644, "SQLite format 3"),
				file("var/lib/dpkg/status.d/large", 0o644, "Package: large\n"+strings.Repeat(" padding\n", 1<<20)),
				file("var/lib/dpkg/status.d/nameless", 0o644, "Version: 1\n"),
				file("var/lib/dpkg/status.d/hostile", 0o644, "Package: \x1b[2J\nVersion: 1\n"),
			},
			distro:   &inspect.Distribution{ID: "slipway"},
			unlisted: []string{"/var/lib/dpkg/status.d/hostile", "/var/lib/dpkg/status.d/large", "/var/lib/dpkg/status.d/nameless", "/var/lib/rpm/rpmdb.sqlite"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := clean(t)
			s.add(t, test.files...)
			img := s.report(t).Images[0]
			require.Equal(t, test.distro, img.Distribution)
			require.Equal(t, test.packages, img.Packages)
			require.Equal(t, inspect.Listing{Count: len(test.unlisted), Paths: test.unlisted}, img.Unlisted)
		})
	}
}
