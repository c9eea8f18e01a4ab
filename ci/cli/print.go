package cli

import (
	"encoding/json"

	"example.com/slipway/ci/term"
)

// printJSON writes a value to stdout for programs.
func (s *session) printJSON(v any) error {
	enc := json.NewEncoder(s.Stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// page is what the terminal of stdout can do. The width is 0 where there is none.
func (s *session) page() (width int, color bool) {
	terminal, columns, _ := term.Window(s.Stdout)
	if columns != nil {
		width = columns()
	}
	return width, term.Detect(s.getenv, terminal).Color
}
