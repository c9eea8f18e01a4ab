package report

import (
	"fmt"
	"html"
	"regexp"
	"strings"
)

// links are the beginnings of what GitHub makes a link of without being asked.
var links = regexp.MustCompile(`(?i)(www)(\.)|(:)(//)`)

// numbered is the beginning of a list.
var numbered = regexp.MustCompile(`^([0-9]{1,9})([.)] )`)

// prose is text from outside as Markdown that shows it and nothing else: no mark-up, no
// cell of a table, no link, no mention of a person or an issue.
func prose(s string) string {
	var b strings.Builder
	for _, r := range numbered.ReplaceAllString(links.ReplaceAllString(clean(s), "$1$3"+apart+"$2$4"), "$1"+apart+"$2") {
		switch {
		case r == '@' || r == '#':
			// Mentions are looked for in the text that Markdown has become, where an
			// entity is a character like any other.
			fmt.Fprintf(&b, "&#%d;%s", r, "&#8203;")
		case r == '\u200b':
			b.WriteString("&#8203;")
		case strings.ContainsRune("&<>`*_~[]|\\$", r) || b.Len() == 0 && strings.ContainsRune("-+=", r):
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// apart is a space without width. clean leaves none in text from outside.
const apart = "\u200b"

// code is text from outside that people copy. In a span of code nothing is mark-up but
// its own end and the end of a cell.
func code(s string) string {
	s = clean(s)
	switch {
	case strings.TrimSpace(s) == "":
		return ""
	case strings.ContainsAny(s, "`|\\<[") || strings.HasPrefix(s, " "):
		return "<code>" + prose(s) + "</code>"
	}
	return "`" + s + "`"
}

// link is a name that leads to a web address, which address has seen.
func link(name, address string) string {
	if address == "" {
		return code(name)
	}
	safe := strings.NewReplacer("<", "%3C", ">", "%3E", "|", "%7C", "\\", "%5C", "`", "%60", " ", "%20").Replace(address)
	return "[" + code(name) + "](<" + safe + ">)"
}

// preformatted is a block of what a tool printed.
func preformatted(lines []string) string {
	return "<pre>" + html.EscapeString(strings.Join(lines, "\n")) + "</pre>\n\n"
}

// details is a block that opens where it is asked to.
func details(title, body string) string {
	return "<details><summary>" + title + "</summary>\n\n" + strings.TrimRight(body, "\n") + "\n\n</details>\n\n"
}
