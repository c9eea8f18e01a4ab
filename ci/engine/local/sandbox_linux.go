package local

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// canConfine tells whether Slipway may make others of the processes that it starts.
func canConfine() bool { return os.Geteuid() == 0 }

// private are the variables that name folders with credentials.
var private = []string{"HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "DOCKER_CONFIG", "RUNNER_TEMP"}

// mount is a folder as tests see it: from is where it lies, or "" for one whose content
// they do not see.
type mount struct {
	path, from string
	writable   bool
}

// view is what tests see of the folders that matter: homes, and folders that only
// their owner enters, are empty but for what tests need, which has its own place in them
// and, unless it is theirs, cannot be changed. The source tree is theirs once it is copied.
// What git keeps may have credentials in its configuration.
func (b *sandbox) view() []mount {
	tree := b.e.goCommand.Source.TreeRoot
	hidden := []string{"/run/secrets", "/var/run/secrets", filepath.Join(tree, ".git")}
	for _, name := range private {
		hidden = append(hidden, b.e.user[name])
	}
	if root, err := user.LookupId("0"); err == nil {
		hidden = append(hidden, root.HomeDir)
	}
	var list []mount
	for _, name := range hidden {
		if dir, ok := folderAt(name); ok && dir != "/" {
			list = append(list, mount{path: dir})
		}
	}
	source := mount{path: tree, from: b.copied, writable: b.copied != ""}
	for _, need := range []mount{source, {path: b.e.root}, {path: b.e.goCommand.Modules}, {path: b.dir, writable: true}, {path: b.cache, writable: true}} {
		at, ok := folderAt(need.path)
		if !ok {
			continue
		}
		need.from = cmp.Or(need.from, at)
		if closed := closedAbove(at); closed != "" {
			list = append(list, mount{path: closed})
		}
		if list = append(list, need); at != need.path {
			need.path = at // a link to it may lie in a hidden folder
			list = append(list, need)
		}
	}
	// Outer folders first. What is needed wins where a home is the source folder.
	slices.SortStableFunc(list, func(a, b mount) int {
		return cmp.Or(strings.Compare(a.path+"/", b.path+"/"), strings.Compare(a.from, b.from))
	})
	return slices.Compact(list)
}

// closedAbove is the outermost folder around a folder that not everybody enters, or "".
func closedAbove(dir string) string {
	closed := ""
	for above := filepath.Dir(dir); above != "/"; above = filepath.Dir(above) {
		if info, err := os.Stat(above); err == nil && info.Mode()&0o001 == 0 {
			closed = above
		}
	}
	return closed
}

// folderAt is where a folder really lies.
func folderAt(name string) (string, bool) {
	if !filepath.IsAbs(name) {
		return "", false
	}
	real, err := filepath.EvalSymlinks(name)
	if err != nil {
		return "", false
	}
	info, err := os.Stat(real)
	return real, err == nil && info.IsDir()
}

// start starts a command as the user of the sandbox, in a mount namespace of its own
// that is gone with the last process in it.
func (b *sandbox) start(cmd *exec.Cmd) error {
	if b.user < 0 {
		return cmd.Start()
	}
	if b.user > 0 {
		id := uint32(b.user)
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: id, Gid: id}
	}
	started := make(chan error)
	go func() {
		// Namespaces and capabilities are a thread's. This one is never unlocked, so that it
		// ends with the goroutine, and nothing else of Slipway runs on it.
		runtime.LockOSThread()
		if err := b.confine(); err != nil {
			started <- err
			return
		}
		started <- cmd.Start()
	}()
	return <-started
}

// confine changes the thread, and so whatever it starts.
func (b *sandbox) confine() error {
	if b.apart {
		if err := enter(b.view()); err != nil {
			return &noMounts{err}
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("forbidding new privileges: %w", err)
	}
	// What is not in the bounding set is not in a program that root starts either.
	for capability := uintptr(0); capability <= unix.CAP_LAST_CAP; capability++ {
		err := unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0)
		if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EPERM) {
			return fmt.Errorf("dropping capability %d: %w", capability, err)
		}
	}
	return nil
}

// enter gives the thread a mount namespace with the mounts. Nothing of it reaches the
// one that it leaves.
func enter(mounts []mount) error {
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keeping mounts private: %w", err)
	}
	// All are taken before the first is hidden.
	trees := make([]int, len(mounts))
	for i, m := range mounts {
		if m.from == "" {
			continue
		}
		fd, err := take(m)
		if err != nil {
			return fmt.Errorf("taking %s: %w", m.path, err)
		}
		defer func() { _ = unix.Close(fd) }()
		trees[i] = fd
	}
	for i, m := range mounts {
		if err := put(m, trees[i]); err != nil {
			return fmt.Errorf("mounting %s: %w", m.path, err)
		}
	}
	return nil
}

// take is a copy of the mounts at a folder, without a place yet.
func take(m mount) (int, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, m.from, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return 0, err
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV}
	if !m.writable {
		attr.Attr_set |= unix.MOUNT_ATTR_RDONLY
	}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr); err != nil {
		_ = unix.Close(fd)
		return 0, err
	}
	return fd, nil
}

// put hides a folder, or brings it back at its own place, which is there unless it was
// hidden.
func put(m mount, tree int) error {
	if m.from == "" {
		if _, err := os.Stat(m.path); errors.Is(err, os.ErrNotExist) {
			return nil // hidden with a folder above it
		}
		return unix.Mount("tmpfs", m.path, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "mode=755,size=1m")
	}
	if err := os.MkdirAll(m.path, 0o755); err != nil {
		return err
	}
	return unix.MoveMount(tree, "", unix.AT_FDCWD, m.path, unix.MOVE_MOUNT_F_EMPTY_PATH)
}
