// Package tool holds the programs that gates run, as Go modules of their own: their
// dependencies are not those of everybody who copies ci. The checksums in a module
// pin every byte that a program is made of.
package tool

import (
	"embed"
	"maps"
	"slices"
)

var (
	//go:embed trivy.mod
	trivyMod string
	//go:embed trivy.sum
	trivySum string
	//go:embed govulncheck.mod
	govulncheckMod string
	//go:embed govulncheck.sum
	govulncheckSum string
	//go:embed sigstore.mod
	sigstoreMod string
	//go:embed sigstore.sum
	sigstoreSum string
	//go:embed sigstore/*.go
	sigstoreSource embed.FS
)

// Tool is a program, and the module that builds it.
type Tool struct {
	// Name is the program's, Version that of the module that has it.
	Name, Version string
	// Package is its import path; it is empty where the program is Slipway's own.
	Package string
	// Env are the settings of the go command that it needs.
	Env []string
	// LDFlags are those of the linker.
	LDFlags string

	mod, sum string
	// source are the files of a program of Slipway's own. They have a build constraint
	// that keeps them out of Slipway's module, so they are named when they are built.
	source map[string]string
}

// TrivyVersion is the accepted version of the scanner.
const TrivyVersion = "0.74.0"

// Trivy is the scanner of vulnerabilities.
func Trivy() Tool {
	return Tool{
		Name: "trivy", Version: "v" + TrivyVersion, Package: "github.com/aquasecurity/trivy/cmd/trivy",
		// Before Go 1.27 it does not compile without.
		Env:     []string{"GOEXPERIMENT=jsonv2"},
		LDFlags: "-s -w -X github.com/aquasecurity/trivy/pkg/version/app.ver=" + TrivyVersion,
		mod:     trivyMod, sum: trivySum,
	}
}

// Govulncheck finds out which vulnerable functions a program calls.
func Govulncheck() Tool {
	return Tool{
		Name: "govulncheck", Version: "v1.9.0", Package: "golang.org/x/vuln/cmd/govulncheck",
		LDFlags: "-s -w",
		mod:     govulncheckMod, sum: govulncheckSum,
	}
}

// Sigstore signs statements with an identity instead of a key, and checks such
// signatures. Its version is that of Sigstore's library.
func Sigstore() Tool {
	return Tool{
		Name: "slipway-sigstore", Version: "v1.3.0",
		LDFlags: "-s -w",
		mod:     sigstoreMod, sum: sigstoreSum, source: sources(sigstoreSource, "sigstore"),
	}
}

// sources reads the files of an embedded folder.
func sources(embedded embed.FS, dir string) map[string]string {
	all := map[string]string{}
	entries, _ := embedded.ReadDir(dir) // what is embedded can be read
	for _, entry := range entries {
		text, _ := embedded.ReadFile(dir + "/" + entry.Name())
		all[entry.Name()] = string(text)
	}
	return all
}

// Files are the module's: go.mod, go.sum and what source it has, with their texts.
func (t Tool) Files() map[string]string {
	files := map[string]string{"go.mod": t.mod, "go.sum": t.sum}
	maps.Copy(files, t.source)
	return files
}

// BuildArgs are those of the go command that builds the program in the module's folder.
// With -v it names each package that it compiles.
func (t Tool) BuildArgs(out string) []string {
	args := []string{"build", "-v", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags=" + t.LDFlags, "-o", out}
	if t.Package != "" {
		return append(args, t.Package)
	}
	return append(args, slices.Sorted(maps.Keys(t.source))...)
}
