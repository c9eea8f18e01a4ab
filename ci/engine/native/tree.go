package native

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"example.com/slipway/ci/step"
)

// suite is the release of Debian that the tree is made of.
const suite = "bookworm"

// packages are what the engine calls, and what the go command calls in the Go SDK.
var packages = []string{"ca-certificates", "dnsmasq-base", "git", "iptables", "nftables", "openssh-client", "openssl", "runc"}

// unread are folders that nothing in an engine reads.
var unread = []string{"doc", "info", "locale", "man"}

func treeRecipe() string { return "2 " + nameserver + suite + " " + strings.Join(packages, ",") }

// makeTree makes the Debian tree that is the engine's root file system and the base
// of its Go SDK.
func (h *Host) makeTree(ctx context.Context, _ parts, dir string, s step.Step) error {
	program, err := h.program("mmdebstrap")
	if err != nil {
		return err
	}
	args := []string{"--variant=minbase", "--include=" + strings.Join(packages, ",")}
	for _, name := range unread {
		args = append(args, "--dpkgopt=path-exclude=/usr/share/"+name+"/*")
	}
	cmd := command(ctx, h.debianEnviron(), program, append(args, suite, dir)...)
	if said, err := follow(cmd, s); err != nil {
		return failed(ctx, "making the engine's tree of Debian packages", err, said, "check the package sources of this machine: apt-get update has to work")
	}
	return furnish(dir)
}

// debianEnviron has what apt needs to reach its archive. The scripts of packages run
// in it, as root.
func (h *Host) debianEnviron() []string {
	env := []string{"PATH=" + h.getenv("PATH"), "HOME=/root", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"}
	return append(env, h.proxies()...)
}

// proxies are the user's proxy settings.
func (h *Host) proxies() []string {
	var kept []string
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"} {
		for _, name := range []string{name, strings.ToLower(name)} {
			if value := h.getenv(name); value != "" {
				kept = append(kept, name+"="+value)
			}
		}
	}
	return kept
}

// nameserver is the dnsmasq that the engine finds first. By itself dnsmasq takes port 53
// of every address of the machine, on which another engine or a resolver may listen.
const nameserver = "#!/bin/sh\nexec /usr/sbin/dnsmasq --bind-dynamic \"$@\"\n"

// furnish adds the places that the engine expects.
func furnish(root string) error {
	var errs []error
	for _, dir := range []string{"etc/dagger", "opt/cni/bin", "run/slipway", "usr/local/share/dagger/content", "usr/local/share/ca-certificates", "var/lib/dagger", sdkGo, sdkPath, sdkWork} {
		errs = append(errs, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	// The engine links iptables in /usr/bin to one of the two, which Debian has in /usr/sbin.
	for _, name := range []string{"xtables-legacy-multi", "xtables-nft-multi"} {
		errs = append(errs, os.Symlink("../sbin/"+name, filepath.Join(root, "usr", "bin", name)))
	}
	errs = append(errs, os.WriteFile(filepath.Join(root, "usr", "local", "sbin", "dnsmasq"), []byte(nameserver), 0o755))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("furnishing the engine's tree: %w", err)
	}
	return nil
}

// written are the folders of the tree that an engine writes to. It has copies of them;
// the others are mounted for it to read.
var written = []string{"etc", "root", "usr/bin", "usr/local", "var"}

// layOut makes an engine's root file system in root, and returns the mounts that
// complete it. Copying the whole tree would take seconds on each start.
func (h *Host) layOut(ctx context.Context, tree, root string) ([]specs.Mount, error) {
	cp, err := h.program("cp")
	if err != nil {
		return nil, err
	}
	var mounts []specs.Mount
	for _, folder := range []string{".", "usr"} {
		entries, err := os.ReadDir(filepath.Join(tree, folder))
		if err != nil {
			return nil, fmt.Errorf("reading the engine's tree: %w", err)
		}
		for _, entry := range entries {
			name := filepath.Join(folder, entry.Name())
			to := filepath.Join(root, name)
			switch {
			case !entry.IsDir() || slices.Contains(written, name):
				cmd := command(ctx, []string{"LC_ALL=C"}, cp, "--archive", "--reflink=auto", filepath.Join(tree, name), to)
				if _, said, err := output(cmd); err != nil {
					return nil, failed(ctx, "copying the engine's tree", err, said, "make room on the disk of the cache folder")
				}
				continue
			case folder == "usr":
				mounts = append(mounts, readOnly(filepath.Join(tree, name), "/"+filepath.ToSlash(name)))
			}
			if err := os.MkdirAll(to, 0o755); err != nil {
				return nil, fmt.Errorf("making the engine's root file system: %w", err)
			}
		}
	}
	return mounts, os.MkdirAll(filepath.Join(root, "opt/cni/bin"), 0o755)
}

// trust puts certificates where Debian looks for those of its administrator: the
// host's own and the given ones.
func trust(root string, given map[string][]byte) error {
	const folder = "/usr/local/share/ca-certificates"
	to := filepath.Join(root, folder)
	files, err := filepath.Glob(folder + "/*.crt")
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err == nil {
			err = os.WriteFile(filepath.Join(to, filepath.Base(file)), text, 0o644)
		}
		if err != nil {
			return fmt.Errorf("taking over the host's certificates: %w", err)
		}
	}
	for name, text := range given {
		if err := os.WriteFile(filepath.Join(to, name), text, 0o644); err != nil {
			return fmt.Errorf("writing the certificates of --ca: %w", err)
		}
	}
	return nil
}

// resolve takes over how the host finds names. The engine mounts over these files
// and must not have the host's own.
func resolve(root string) error {
	for _, file := range []string{"etc/resolv.conf", "etc/hosts"} {
		to := filepath.Join(root, file)
		text, err := os.ReadFile("/" + file)
		if errors.Is(err, os.ErrNotExist) {
			text, err = nil, nil
		}
		if err == nil {
			// Debian may have a link here.
			if err = os.Remove(to); errors.Is(err, os.ErrNotExist) {
				err = nil
			}
		}
		if err == nil {
			err = os.WriteFile(to, text, 0o644)
		}
		if err != nil {
			return fmt.Errorf("taking over the host's %s: %w", file, err)
		}
	}
	return nil
}
