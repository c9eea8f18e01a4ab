package term

import (
	"cmp"
	"io"
	"strings"
	"time"

	xterm "golang.org/x/term"
)

// Options say where a Terminal draws and how. Detect and Window fill in what the
// surroundings decide.
type Options struct {
	// Out gets everything; it is stderr, because stdout is for results. The default
	// is to drop it.
	Out io.Writer
	// TTY says that Out is a terminal whose cursor can be moved.
	TTY bool
	// Color allows colours. They are used on a TTY only.
	Color bool
	// Unicode allows marks outside ASCII.
	Unicode bool
	// Width and Height return the terminal's size now, in columns and rows. The
	// defaults, also for results below 1, are 80 and 24.
	Width, Height func() int
	// Quiet leaves nothing but the final error.
	Quiet bool
	// Verbose adds the lines that tools print.
	Verbose bool
	// Now is the clock. The default is time.Now.
	Now func() time.Time
	// Ticks says when to draw again while steps are running. The default is ten
	// times a second.
	Ticks <-chan time.Time
}

// Detect returns the Options that the environment decides: TTY, Color, Unicode.
// TERM=dumb, or no TERM, is a terminal without a cursor; NO_COLOR, when not empty,
// turns colours off (no-color.org); the locale says whether UTF-8 is understood.
func Detect(getenv func(string) string, isTTY bool) Options {
	var o Options
	kind := getenv("TERM")
	o.TTY = isTTY && kind != "" && kind != "dumb"
	o.Color = o.TTY && getenv("NO_COLOR") == ""
	locale := strings.ToLower(cmp.Or(getenv("LC_ALL"), getenv("LC_CTYPE"), getenv("LANG")))
	o.Unicode = strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8")
	return o
}

// Window reports whether w is a terminal, and what measures it: both functions are
// nil where it is none.
func Window(w io.Writer) (isTTY bool, width, height func() int) {
	f, ok := w.(interface{ Fd() uintptr })
	if !ok || !xterm.IsTerminal(int(f.Fd())) {
		return false, nil, nil
	}
	size := func() (int, int) {
		columns, rows, err := xterm.GetSize(int(f.Fd()))
		if err != nil {
			return 0, 0
		}
		return columns, rows
	}
	return true, func() int { c, _ := size(); return c }, func() int { _, r := size(); return r }
}

// Typed reports whether somebody at a terminal writes what r reads.
func Typed(r io.Reader) bool {
	f, ok := r.(interface{ Fd() uintptr })
	return ok && xterm.IsTerminal(int(f.Fd()))
}

// withDefaults fills in what was left out.
func (o Options) withDefaults() Options {
	if o.Out == nil {
		o.Out = io.Discard
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Width = measured(o.Width, 80)
	o.Height = measured(o.Height, 24)
	return o
}

func measured(measure func() int, otherwise int) func() int {
	return func() int {
		if measure != nil {
			if n := measure(); n > 0 {
				return n
			}
		}
		return otherwise
	}
}
