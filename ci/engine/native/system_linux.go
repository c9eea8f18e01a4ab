package native

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// inside makes a program see a folder as the root of the file system.
func inside(root string, cmd *exec.Cmd) {
	cmd.SysProcAttr.Chroot = root
	cmd.Dir = "/"
}

// beganAt returns when a process began, in clock ticks since the machine started,
// field 22 of /proc/PID/stat (proc(5)). A process that ended and was not waited for
// counts as absent.
func beganAt(pid int) (uint64, bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, false
	}
	// The name in parentheses may have any characters.
	_, rest, ok := strings.Cut(string(text[bytes.LastIndexByte(text, ')')+1:]), " ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return 0, false
	}
	ticks, err := strconv.ParseUint(fields[19], 10, 64)
	return ticks, err == nil
}

func terminate(pid int) error { return syscall.Kill(pid, syscall.SIGTERM) }

// bounding returns the capabilities that this process may hand on, which in a
// container are fewer than all.
func bounding() ([]string, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return nil, err
	}
	_, rest, _ := strings.Cut(string(text), "CapBnd:")
	mask, _, _ := strings.Cut(rest, "\n")
	bits, err := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
	if err != nil {
		return nil, fmt.Errorf("reading the capabilities of this process: %w", err)
	}
	var names []string
	for i, name := range capabilities {
		if bits&(1<<i) != 0 {
			names = append(names, "CAP_"+name)
		}
	}
	return names, nil
}

// capabilities by their number in capability(7).
var capabilities = strings.Fields(`CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP
	LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO
	SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE
	AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON
	BPF CHECKPOINT_RESTORE`)

// removeLink removes a network device and returns nil where there is none of that
// name. The message is RTM_DELLINK of rtnetlink(7), answered by an error message
// whose number is 0 where it worked.
func removeLink(name string) error {
	link, err := net.InterfaceByName(name)
	if err != nil {
		return nil //nolint:nilerr // there is no such device
	}
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("removing the network device %s: %w", name, err)
	}
	defer func() { _ = syscall.Close(fd) }()
	order := binary.NativeEndian
	message := make([]byte, syscall.SizeofNlMsghdr+syscall.SizeofIfInfomsg)
	order.PutUint32(message[0:], uint32(len(message)))
	order.PutUint16(message[4:], syscall.RTM_DELLINK)
	order.PutUint16(message[6:], syscall.NLM_F_REQUEST|syscall.NLM_F_ACK)
	order.PutUint32(message[syscall.SizeofNlMsghdr+4:], uint32(link.Index))
	answer := make([]byte, 4096)
	limit := syscall.NsecToTimeval(int64(10 * time.Second))
	err = errors.Join(
		syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &limit),
		syscall.Sendto(fd, message, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}))
	if err == nil {
		var n int
		n, _, err = syscall.Recvfrom(fd, answer, 0)
		if err == nil && n >= syscall.SizeofNlMsghdr+4 {
			if code := int32(order.Uint32(answer[syscall.SizeofNlMsghdr:])); code != 0 {
				err = syscall.Errno(-code)
			}
		}
	}
	if err != nil {
		return fmt.Errorf("removing the network device %s: %w", name, err)
	}
	return nil
}
