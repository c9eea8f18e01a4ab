package gocmd

import (
	"context"
	"go/version"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
)

// oldestReach is the oldest release that compiles govulncheck. The one that builds the
// program has to, because the standard library is type-checked by what compiled the checker.
const oldestReach = "go1.26.0"

// Bounds of govulncheck: of what it prints, in bytes, and of its time.
const (
	ReachLimit = 64 << 20
	ReachWait  = 10 * time.Minute
)

// CanReach refuses releases that do not compile govulncheck.
func (g *Go) CanReach() error {
	if version.Compare(g.Release, oldestReach) >= 0 {
		return nil
	}
	return fault.New(fault.Unjudged, "reachability needs Go %s or newer; the source builds with %s", strings.TrimPrefix(version.Lang(oldestReach), "go"), g.Release).
		WithFix("pin a newer builder")
}

// VulnDB tells the folder of a database of vulnerable functions, or its address. Exactly
// one of them is not empty.
func VulnDB(said string) (folder, address string, err error) {
	if strings.HasPrefix(said, "https://") || strings.HasPrefix(said, "http://") {
		return "", said, nil
	}
	folder = filepath.FromSlash(strings.TrimPrefix(said, "file://"))
	if !filepath.IsAbs(folder) {
		return "", "", unusable(said, "is neither an address nor an absolute path")
	}
	// govulncheck would take a folder without it for a heap of advisories.
	index := filepath.Join(folder, "index", "modules.json")
	if info, err := os.Stat(index); err == nil && info.Mode().IsRegular() {
		return folder, "", nil
	}
	if _, err := os.Stat(index + ".gz"); err == nil {
		return "", "", unusable(said, "is compressed, which govulncheck reads at an address only").WithFix("unpack it: gunzip --recursive %s", folder)
	}
	return "", "", unusable(said, "has no index/modules.json")
}

func unusable(database, why string) *fault.Error {
	return fault.New(fault.Unjudged, "the database of vulnerable functions %s %s", redact(database), why).
		WithFix("give --vulndb an https address, or a folder in the form of https://go.dev/doc/security/vuln/database")
}

// FileURL is the address of a folder on this machine.
func FileURL(folder string) string {
	slash := filepath.ToSlash(folder)
	if !strings.HasPrefix(slash, "/") {
		slash = "/" + slash // C:/
	}
	return (&url.URL{Scheme: "file", Path: slash}).String()
}

// ReachArgs are those of govulncheck for a target, in the source folder. It goes to the
// first main, because a workspace need not have a go.mod at its top.
func (g *Go) ReachArgs(t engine.Target, address string) []string {
	dirs := folders(t)
	args := []string{"-json", "-db", address, "-C", dirs[0]}
	if len(t.Build.Tags) > 0 {
		args = append(args, "-tags", strings.Join(t.Build.Tags, ","))
	}
	back := "./" + strings.Repeat("../", strings.Count(dirs[0], "/"))
	args = append(args, "--", ".")
	for _, dir := range dirs[1:] {
		args = append(args, back+strings.TrimPrefix(dir, "./"))
	}
	return args
}

// ReachEnvironment is what govulncheck's own go commands need on top of an engine's
// settings. They take flags from there alone.
func (g *Go) ReachEnvironment(t engine.Target) []string {
	mod := "-mod=readonly"
	if g.Source.Vendor {
		mod = "-mod=vendor"
	}
	// A driver on PATH would be asked in the place of go list.
	return append(Environment(t), "GOFLAGS="+mod+" -buildvcs=false", "GOPACKAGESDRIVER=off")
}

// WithinReach bounds a context by ReachWait. Its cause says so in words.
func WithinReach(ctx context.Context) (context.Context, context.CancelFunc) {
	late := fault.New(fault.Unjudged, "govulncheck did not end within %s", ReachWait).WithFix("see what else the machine does, and check again")
	return context.WithTimeoutCause(ctx, ReachWait, late)
}

// ReachTooLarge is the error for an answer of more than ReachLimit bytes.
func ReachTooLarge() error {
	return fault.New(fault.Unjudged, "govulncheck printed more than %d MB", ReachLimit>>20).WithFix("look at the database (--vulndb)")
}

// shownLines is how many of its first lines an error of govulncheck has.
const shownLines = 30

// Unreached says why govulncheck gave no answer. Said are its own words.
func (g *Go) Unreached(database string, out Output) error {
	var lines []string
	for _, line := range Lines(out.Stderr) {
		lines = append(lines, g.shorten(line))
	}
	text := strings.Join(lines, "\n")
	what := fault.New(fault.Unjudged, "govulncheck gave no answer: %v", out.Err).WithFix("run it by hand in the source folder: govulncheck ./...")
	if _, reason, ok := strings.Cut(text, "fetching vulnerabilities: "); ok {
		reason, _, _ = strings.Cut(reason, "\n")
		what = unusable(database, "cannot be read: "+reason)
	} else if strings.Contains(text, "unrecognized vulndb format") {
		what = unusable(database, "does not answer, or has no index/modules.json.gz")
	} else if strings.Contains(text, "loading packages") {
		what = fault.New(fault.Unjudged, "govulncheck does not understand the source").WithFix("its lines say what it lacks; go vet ./... in the source folder may say more")
	}
	return what.WithDetail(lines[:min(len(lines), shownLines)]...).WithCause(out.Err)
}

// Full tells whether more was written than is kept.
func (b *Bounded) Full() bool { return b.full }
