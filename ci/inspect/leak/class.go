package leak

// class is a set of bytes, as a union of others.
type class uint16

// The smallest sets. A byte may be in several of them.
const (
	digit class = 1 << iota
	upper
	lower
	hyphen
	underscore
	space
	base64Sign   // what standard base64 has in addition to letters and digits
	userSign     // what the user in a URL has
	passwordSign // what the password in a URL has
	nameSign     // what the names of files have
)

const (
	letter  = upper | lower
	word    = letter | digit
	urlSafe = word | hyphen | underscore
	blob    = urlSafe | base64Sign
)

// classes are the sets of each byte.
var classes = func() (table [256]class) {
	for texts, c := range map[string]class{
		"0123456789": digit, "ABCDEFGHIJKLMNOPQRSTUVWXYZ": upper, "abcdefghijklmnopqrstuvwxyz": lower, "-": hyphen, "_": underscore, " ": space,
		"+/=": base64Sign, ".%+": userSign, "!#$%&'()*+,.;<>=^{}~": passwordSign, ".~": nameSign,
	} {
		for _, b := range []byte(texts) {
			table[b] |= c
		}
	}
	return table
}()

// any tells whether a text has a byte of a set.
func (c class) any(text []byte) bool {
	for _, b := range text {
		if classes[b]&c != 0 {
			return true
		}
	}
	return false
}

// run returns where bytes of a set end that begin at an offset, most of them at most.
func (w window) run(from int, c class, most int) int {
	for end := min(len(w.data), from+most); from < end && classes[w.data[from]]&c != 0; from++ {
	}
	return from
}

// back returns where bytes of a set begin that end at an offset, most of them at most.
func (w window) back(to int, c class, most int) int {
	for end := max(0, to-most); to > end && classes[w.data[to-1]]&c != 0; to-- {
	}
	return to
}

// beside tells whether a byte of a set is next to a text, before or behind it.
func (w window) beside(start, end int, before, behind class) bool {
	return w.back(start, before, 1) < start || w.run(end, behind, 1) > end
}
