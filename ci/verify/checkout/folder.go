package checkout

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"example.com/slipway/ci/fault"
)

// maxGoMod bounds what is read of a go.mod to find its module line, in bytes.
const maxGoMod = 1 << 20

// Folder finds the source folder of a module: the one that the request named, the
// repository's own, or the only one that has the module. A workspace has none by itself.
func (c *Checkout) Folder(module string) (string, error) {
	root, err := os.OpenRoot(c.Root)
	if err != nil {
		return "", err
	}
	defer root.Close() //nolint:errcheck // it is only read
	of := func(folder string) bool {
		if has(root, folder, "go.mod") {
			return declares(root, folder, module)
		}
		return has(root, folder, "go.work")
	}
	for _, folder := range []string{c.folder, "."} {
		if folder != "" && of(folder) {
			return filepath.Join(c.Root, filepath.FromSlash(folder)), nil
		}
	}
	all := slices.DeleteFunc(slices.Clone(c.modules), func(folder string) bool { return !declares(root, folder, module) })
	if len(all) != 1 {
		return "", fault.New(fault.Usage, "the commit has %d folders of the module %.200s, and not the one that is needed", len(all), module).
			WithFix("name the source folder in a clone of the repository with --src")
	}
	return filepath.Join(c.Root, filepath.FromSlash(all[0])), nil
}

func has(root *os.Root, folder, name string) bool {
	info, err := root.Lstat(filepath.Join(filepath.FromSlash(folder), name))
	return err == nil && info.Mode().IsRegular()
}

// declares tells whether the go.mod of a folder has a module's line.
func declares(root *os.Root, folder, module string) bool {
	if !has(root, folder, "go.mod") {
		return false
	}
	f, err := root.Open(filepath.Join(filepath.FromSlash(folder), "go.mod"))
	if err != nil {
		return false
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxGoMod))
	line := regexp.MustCompile(`(?m)^[ \t]*module[ \t]+["` + "`" + `]?` + regexp.QuoteMeta(module) + `["` + "`" + `]?[ \t\r]*(?://.*)?$`)
	return err == nil && line.Match(text)
}
