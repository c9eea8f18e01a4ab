package actions

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// mask hides secrets in what a job prints.
type mask struct {
	mu     sync.Mutex
	values []string
}

// add hides a value, each of its lines, and the forms in which programs often print it.
func (m *mask) add(secret string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	lines := strings.FieldsFunc(secret, func(r rune) bool { return r == '\r' || r == '\n' })
	for _, text := range append([]string{secret}, lines...) {
		for _, form := range forms(strings.TrimSpace(text)) {
			if form != "" && !slices.Contains(m.values, form) {
				m.values = append(m.values, form)
			}
		}
	}
	// A value that holds another goes first, or its rest would show.
	slices.SortStableFunc(m.values, func(a, b string) int { return len(b) - len(a) })
}

// hide replaces what must not be seen.
func (m *mask) hide(text string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, value := range m.values {
		text = strings.ReplaceAll(text, value, "***")
	}
	return text
}

// hides tells whether a text holds a secret.
func (m *mask) hides(text string) bool { return m.hide(text) != text }

// forms are a secret, and the secret as JSON, as part of a URL, and as base64 at each
// offset that it may have in a longer text.
func forms(secret string) []string {
	if secret == "" {
		return nil
	}
	all := []string{secret, url.PathEscape(secret), url.QueryEscape(secret)}
	if quoted, err := json.Marshal(secret); err == nil {
		all = append(all, string(quoted[1:len(quoted)-1]))
	}
	for offset := range min(3, len(secret)) {
		rest := secret[offset:]
		if whole := len(rest) - len(rest)%3; whole >= 6 {
			all = append(all, base64.StdEncoding.EncodeToString([]byte(rest[:whole])))
		}
	}
	return all
}
