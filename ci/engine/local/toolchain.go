package local

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/dirhash"

	"example.com/slipway/ci/cache"
	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/engine/gocmd"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/process"
	"example.com/slipway/ci/step"
)

// module is where the go command itself finds releases: https://go.dev/doc/toolchain#download
const module = "golang.org/toolchain"

// stamp says that a release was taken from its module and its tree was hashed.
type stamp struct {
	Module string `json:"module"`
	Sum    string `json:"sum"`
	Dir    string `json:"dir"`
}

// fetch readies a release and returns its GOROOT. The module is used even where the
// host's Go has the same version: a host's tree can be patched, and a patched
// standard library gave another binary under the same version (measured).
func (e *Engine) fetch(ctx context.Context, host, release, modcache string, env []string, s step.Step) (engine.Toolchain, string, error) {
	version := "v0.0.1-" + release + "." + runtime.GOOS + "-" + runtime.GOARCH
	chain := engine.Toolchain{Release: release, From: module + "@" + version}
	stamps, err := e.folder("toolchains")
	if err != nil {
		return chain, "", err
	}
	name := filepath.Join(stamps, version+".json")
	if known, ok := readStamp(name); ok && known.Dir == filepath.Join(modcache, filepath.FromSlash(chain.From)) {
		chain.Sum, chain.Cached = known.Sum, true
		return chain, known.Dir, nil
	}
	got, err := e.download(ctx, host, release, version, env, s)
	if err != nil {
		return chain, "", err
	}
	if err := writeStamp(name, got); err != nil {
		return chain, "", err
	}
	chain.Sum = got.Sum
	return chain, got.Dir, nil
}

// download lets the go command fetch the module, which checks it against the
// checksum database, and then hashes the unpacked tree, which nothing else does.
func (e *Engine) download(ctx context.Context, host, release, version string, env []string, s step.Step) (stamp, error) {
	s.Log("go mod download " + module + "@" + version)
	dir, err := e.folder("empty")
	if err != nil {
		return stamp{}, err
	}
	cmd := process.Command(ctx, host, "mod", "download", "-json", module+"@"+version)
	cmd.Dir, cmd.Env = dir, slices.Concat(env, []string{"GOWORK=off", "PATH=" + e.user["PATH"]})
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	runErr := cmd.Run()
	if ctx.Err() != nil {
		return stamp{}, ctx.Err()
	}
	var m struct{ Dir, Sum, Error string }
	if err := json.Unmarshal(stdout.Bytes(), &m); err != nil || m.Error != "" || runErr != nil {
		said := firstOf(m.Error, stderr.String(), "the go command said nothing")
		fix := "check GOPROXY and the network, or pin a builder whose Go release can be had"
		if strings.Contains(said, "GOSUMDB=off") {
			fix = "go takes no release without the checksum database: unset GOSUMDB, and name what is private in GONOSUMDB or GOPRIVATE"
		}
		return stamp{}, fault.New(fault.Engine, "getting %s from the module proxy: %s", release, said).WithFix("%s", fix)
	}
	sum, err := hashTree(m.Dir, module+"@"+version)
	if err != nil {
		return stamp{}, fmt.Errorf("hashing the toolchain in %s: %w", m.Dir, err)
	}
	if sum != m.Sum {
		return stamp{}, fault.New(fault.Engine, "the toolchain in %s was changed: it hashes to %s, its module is %s", m.Dir, sum, m.Sum).
			WithFix("remove that folder (go clean -modcache removes all of them)")
	}
	return stamp{Module: module + "@" + version, Sum: m.Sum, Dir: m.Dir}, makeExecutable(m.Dir)
}

// hashTree is the module checksum of an unpacked toolchain, named module@version. A
// module zip cannot hold other modules, so that every go.mod in it is a _go.mod, and
// the first go command that switches to the release puts a copy beside each
// (cmd/go/internal/toolchain). Such copies are passed over, as long as they are that.
func hashTree(root, name string) (string, error) {
	files, err := dirhash.DirFiles(root, name)
	if err != nil {
		return "", err
	}
	place := func(file string) string {
		return filepath.Join(root, filepath.FromSlash(strings.TrimPrefix(file, name+"/")))
	}
	packed := map[string]bool{}
	for _, file := range files {
		packed[file] = true
	}
	var kept []string
	for _, file := range files {
		dir, base := path.Split(file)
		if base == "go.mod" && packed[dir+"_go.mod"] {
			same, err := equal(place(file), place(dir+"_go.mod"))
			if err != nil {
				return "", err
			}
			if same {
				continue
			}
		}
		kept = append(kept, file)
	}
	return dirhash.Hash1(kept, func(file string) (io.ReadCloser, error) { return os.Open(place(file)) })
}

func equal(a, b string) (bool, error) {
	one, err := os.ReadFile(a)
	if err != nil {
		return false, err
	}
	two, err := os.ReadFile(b)
	return err == nil && bytes.Equal(one, two), err
}

// makeExecutable sets the x-bits that a module zip cannot carry, on the same
// folders as the go command does when it switches to a release.
func makeExecutable(root string) error {
	for _, dir := range []string{"bin", filepath.Join("pkg", "tool")} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(name string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			return os.Chmod(name, info.Mode()|0o111)
		})
		if err != nil {
			return fmt.Errorf("making the toolchain's programs executable: %w", err)
		}
	}
	return nil
}

func readStamp(name string) (stamp, bool) {
	text, err := os.ReadFile(name)
	if err != nil {
		return stamp{}, false
	}
	var s stamp
	if json.Unmarshal(text, &s) != nil {
		return stamp{}, false
	}
	_, err = os.Stat(filepath.Join(s.Dir, "bin", process.Exe("go")))
	return s, err == nil
}

func writeStamp(name string, s stamp) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return cache.Write(name, text)
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if said := gocmd.Lines([]byte(t)); len(said) > 0 {
			return strings.TrimSpace(said[0])
		}
	}
	return ""
}
