package gocmd

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"example.com/slipway/ci/fault"
)

// opened are the names of files that the go command opens wherever it finds them in
// a package or module: go/build's known extensions and the files of modules.
var opened = regexp.MustCompile(`\.(?:go|mod|sum|work|pgo|syso|swig|swigcxx|cc?|cpp|cxx|m|hh?|hpp|hxx|f|F|for|f90|s|S|sx)$|^modules\.txt$`)

// RefuseIrregular refuses named pipes and devices under such names, and links to
// them: the go command would wait for one and read the other for ever.
func RefuseIrregular(ctx context.Context, folders []string) error {
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
			switch {
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case err != nil:
				return nil // the go command says what it cannot read
			case d.IsDir() && name != folder && left(d.Name()):
				return fs.SkipDir
			case d.IsDir() || d.Type().IsRegular() || !opened.MatchString(d.Name()):
				return nil
			}
			if info, err := os.Stat(name); err != nil || info.IsDir() || info.Mode().IsRegular() {
				return nil
			}
			return fault.New(fault.Usage, "%s is not a regular file, and the go command would open it", name).WithFix("remove it")
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// left tells whether the go command leaves out a folder of that name.
func left(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "node_modules"
}
