package inspect

import (
	"regexp"
	"slices"
	"strings"
)

// debianNames are short names of Debian's copyright format that SPDX has another name
// for. https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
var debianNames = map[string]string{
	"Expat": "MIT", "MIT": "MIT", "Apache-2.0": "Apache-2.0", "BSD-2-clause": "BSD-2-Clause", "BSD-3-clause": "BSD-3-Clause",
	"ISC": "ISC", "Zlib": "Zlib", "MPL-2.0": "MPL-2.0", "CC0-1.0": "CC0-1.0", "Artistic": "Artistic-1.0-Perl",
	"GPL-1+": "GPL-1.0-or-later", "GPL-2": "GPL-2.0-only", "GPL-2.0": "GPL-2.0-only", "GPL-2+": "GPL-2.0-or-later", "GPL-2.0+": "GPL-2.0-or-later",
	"GPL-3": "GPL-3.0-only", "GPL-3.0": "GPL-3.0-only", "GPL-3+": "GPL-3.0-or-later", "GPL-3.0+": "GPL-3.0-or-later",
	"LGPL-2": "LGPL-2.0-only", "LGPL-2+": "LGPL-2.0-or-later", "LGPL-2.1": "LGPL-2.1-only", "LGPL-2.1+": "LGPL-2.1-or-later",
	"LGPL-3": "LGPL-3.0-only", "LGPL-3+": "LGPL-3.0-or-later",
}

// debianLicence is the licence of a package as an SPDX expression, or "" where its
// copyright file is for people only or has a name that is not known here.
func debianLicence(text string) string {
	const form = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/"
	if !strings.HasPrefix(strings.Replace(text, "http:", "https:", 1), form) {
		return ""
	}
	var all []string
	for _, f := range paragraphs(text, ":") {
		if f["Files"] == "" {
			continue
		}
		said, known := debianNames[f["License"]]
		if !known {
			return ""
		}
		if !slices.Contains(all, said) {
			all = append(all, said)
		}
	}
	slices.Sort(all)
	return strings.Join(all, " AND ")
}

// The grammar of SPDX's licence expressions, without what has to balance.
// https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/
var expression = regexp.MustCompile(`^[A-Za-z0-9.-]+\+?(?: (?:AND|OR|WITH) [A-Za-z0-9.-]+\+?)*$`)

func isExpression(text string) bool { return len(text) <= maxName && expression.MatchString(text) }
