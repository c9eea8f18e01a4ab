package runner

import (
	"encoding/binary"
	"os"
	"runtime"
	"strings"
	"syscall"
	"unsafe"
)

// What golang.org/x/sys/unix has names for.
const (
	prCapbsetDrop   = 24
	prSetNoNewPrivs = 38
	netBindService  = 10
	lastCapability  = 63

	// https://docs.kernel.org/userspace-api/landlock.html
	landlockCreateRuleset = 444
	landlockAddRule       = 445
	landlockRestrictSelf  = 446
	rulesetVersion        = 1
	rulePathBeneath       = 1
	accessWriteFile       = 1 << 1
	accessRefer           = 1 << 13
	accessTruncate        = 1 << 14
	openPath              = 0x200000
)

// accessWrites is what changes a file system in the first version of Landlock: writing
// to files, and from REMOVE_DIR to MAKE_SYM.
const accessWrites = accessWriteFile | (1<<13 - 1<<4)

// keep are the capabilities that a program keeps: those of its file, and the one for a
// port below 1024, which container runtimes leave open to everybody.
func keep(t Trial) uint64 {
	if t.Port > 0 && t.Port < 1024 {
		return t.Capabilities | 1<<netBindService
	}
	return t.Capabilities
}

func list(bits uint64) (numbers []uintptr) {
	for n := uintptr(0); n <= lastCapability; n++ {
		if bits>>n&1 == 1 {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// confine restricts this thread and what it starts, as far as the kernel lets it, and
// says in what it does not.
func confine(kept uint64) (loose []string) {
	if os.Geteuid() == 0 {
		for n := uintptr(0); n <= lastCapability; n++ {
			if kept>>n&1 == 0 {
				// Past the last one that the kernel knows there is nothing to drop.
				_, _, _ = syscall.RawSyscall6(syscall.SYS_PRCTL, prCapbsetDrop, n, 0, 0, 0, 0)
			}
		}
	}
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
		loose = append(loose, "may get new privileges")
	}
	if !readOnly() {
		loose = append(loose, "may write where its user may")
	}
	return loose
}

// readOnly takes away the right to write anywhere but to devices.
func readOnly() bool {
	if strings.HasPrefix(runtime.GOARCH, "mips") {
		return false // the calls have other numbers there
	}
	version, _, errno := syscall.RawSyscall(landlockCreateRuleset, 0, 0, rulesetVersion)
	if errno != 0 {
		return false
	}
	handled := uint64(accessWrites)
	if version >= 2 {
		handled |= accessRefer
	}
	if version >= 3 {
		handled |= accessTruncate
	}
	ruleset, _, errno := syscall.RawSyscall(landlockCreateRuleset, uintptr(unsafe.Pointer(&handled)), unsafe.Sizeof(handled), 0)
	if errno != 0 {
		return false
	}
	defer func() { _ = syscall.Close(int(ruleset)) }()
	if dev, err := syscall.Open("/dev", openPath|syscall.O_CLOEXEC, 0); err == nil {
		defer func() { _ = syscall.Close(dev) }()
		// struct landlock_path_beneath_attr is packed: 64 bits of rights, 32 of the folder.
		rule := binary.NativeEndian.AppendUint64(nil, handled&(accessWriteFile|accessTruncate))
		rule = binary.NativeEndian.AppendUint32(rule, uint32(dev))
		_, _, _ = syscall.RawSyscall6(landlockAddRule, ruleset, rulePathBeneath, uintptr(unsafe.Pointer(&rule[0])), 0, 0, 0)
	}
	_, _, errno = syscall.RawSyscall(landlockRestrictSelf, ruleset, 0, 0)
	return errno == 0
}
