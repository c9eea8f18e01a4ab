package gocache

import (
	"encoding/hex"
	"io/fs"
	"path/filepath"
	"strings"
)

// isObject tells whether a name is one that cmd/go/internal/cache gives: two digits of a
// hash, the whole hash, and a for what an action left or d for its bytes.
func isObject(name string) bool {
	dir, file, ok := strings.Cut(name, "/")
	sum, kind, dash := strings.Cut(file, "-")
	if !ok || !dash || len(dir) != 2 || len(sum) != 64 || !strings.HasPrefix(sum, dir) || kind != "a" && kind != "d" {
		return false
	}
	_, err := hex.DecodeString(sum)
	return err == nil && strings.ToLower(sum) == sum
}

// isModule tells whether a name can be one of the module cache. Only checked downloads and
// module@version folders lie there.
func isModule(name string) bool {
	if !fs.ValidPath(name) || !filepath.IsLocal(filepath.FromSlash(name)) || strings.ContainsAny(name, "\\:\x00") || len(name) > 1024 {
		return false
	}
	if strings.HasPrefix(name, "cache/") {
		return strings.HasPrefix(name, "cache/download/") && (strings.HasSuffix(name, ".mod") || strings.HasSuffix(name, ".info") || strings.HasSuffix(name, ".ziphash"))
	}
	return strings.Contains(name, "@")
}

func (p Part) valid(name string) bool {
	switch p {
	case Objects:
		return isObject(name)
	case Modules:
		return isModule(name)
	}
	return false
}
