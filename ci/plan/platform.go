package plan

import (
	"fmt"
	"slices"
	"strings"
)

// Platform is an os/arch[/variant] in the normal form of this repository: arm64
// has no variant, arm always has one, amd64 has one only above v1. Go's names
// and OCI's are the same for all of them.
type Platform struct {
	// OS, Arch and Variant are in the words of OCI.
	OS      string `json:"os"`
	Arch    string `json:"arch"`
	Variant string `json:"variant,omitempty"`
}

// ParsePlatform reads os/arch[/variant] and normalises it.
func ParsePlatform(s string) (Platform, error) {
	parts := strings.Split(s, "/")
	if len(parts) < 2 || len(parts) > 3 || slices.Contains(parts, "") {
		return Platform{}, fmt.Errorf("%q is not a platform: write os/arch or os/arch/variant, for example linux/arm64", s)
	}
	p := Platform{OS: parts[0], Arch: parts[1]}
	if len(parts) == 3 {
		p.Variant = parts[2]
	}
	p = p.Normal()
	if _, ok := goVariable[p.Arch]; p.OS != "linux" || !ok && !slices.Contains(plainArchs, p.Arch) {
		return Platform{}, fmt.Errorf("platform %q is not one that Slipway builds: linux on %s", s, strings.Join(archs(), ", "))
	}
	if p.Variant != "" && !slices.Contains(variants[p.Arch], p.Variant) {
		return Platform{}, fmt.Errorf("platform %q has a variant that Go does not build: %s has %s",
			s, p.Arch, strings.Join(variants[p.Arch], ", "))
	}
	return p, nil
}

// Normal returns the normal form: registries and bases say linux/arm64/v8 and
// linux/arm for what is written linux/arm64 and linux/arm/v7 here.
func (p Platform) Normal() Platform {
	switch {
	case p.Arch == "arm64" && p.Variant == "v8", p.Arch == "amd64" && p.Variant == "v1":
		p.Variant = ""
	case p.Arch == "arm" && p.Variant == "":
		p.Variant = "v7"
	}
	return p
}

// String returns os/arch[/variant].
func (p Platform) String() string {
	if p.Variant == "" {
		return p.OS + "/" + p.Arch
	}
	return p.OS + "/" + p.Arch + "/" + p.Variant
}

// Compare orders platforms by their text, the order of an index's children.
func (p Platform) Compare(q Platform) int { return strings.Compare(p.String(), q.String()) }

// GoEnv returns every Go variable that a platform decides, each set explicitly,
// so that nothing of the surroundings or of GOROOT/go.env shows through.
func (p Platform) GoEnv() []string {
	level := map[string]string{
		"GOAMD64": "v1", "GOARM64": "v8.0", "GOARM": "7", "GO386": "sse2", "GOPPC64": "power8", "GORISCV64": "rva20u64",
	}
	if name, ok := goVariable[p.Arch]; ok && p.Variant != "" {
		level[name] = strings.TrimPrefix(p.Variant, "v")
		if p.Arch == "amd64" {
			level[name] = p.Variant
		}
	}
	env := []string{"GOOS=" + p.OS, "GOARCH=" + p.Arch}
	for _, name := range []string{"GO386", "GOAMD64", "GOARM", "GOARM64", "GOPPC64", "GORISCV64"} {
		env = append(env, name+"="+level[name])
	}
	return env
}

// goVariable names the Go variable that a variant of an architecture sets.
var goVariable = map[string]string{"amd64": "GOAMD64", "arm": "GOARM"}

var variants = map[string][]string{"amd64": {"v2", "v3", "v4"}, "arm": {"v5", "v6", "v7"}}

var plainArchs = []string{"386", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x"}

func archs() []string {
	all := append([]string{"amd64", "arm"}, plainArchs...)
	slices.Sort(all)
	return all
}
