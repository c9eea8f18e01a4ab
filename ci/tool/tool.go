// Package tool holds the programs that gates run, as Go modules of their own: their
// dependencies are not those of everybody who copies ci. The checksums in a module
// pin every byte that a program is made of.
package tool

import (
	_ "embed"
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
)

// Tool is a program, and the module that builds it.
type Tool struct {
	// Name is the program's, Version that of the module that has it.
	Name, Version string
	// Package is its import path.
	Package string
	// Env are the settings of the go command that it needs.
	Env []string
	// LDFlags are those of the linker.
	LDFlags string

	mod, sum string
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

// Files are the module's: go.mod and go.sum with their texts.
func (t Tool) Files() map[string]string { return map[string]string{"go.mod": t.mod, "go.sum": t.sum} }

// BuildArgs are those of the go command that builds the program in the module's folder.
// With -v it names each package that it compiles.
func (t Tool) BuildArgs(out string) []string {
	return []string{"build", "-v", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags=" + t.LDFlags, "-o", out, t.Package}
}
