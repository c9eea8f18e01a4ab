package layer

import (
	"encoding/binary"
	"slices"
)

// capabilities in the order of their numbers, from 0: linux/capability.h.
func capabilities() []string {
	return []string{
		"cap_chown", "cap_dac_override", "cap_dac_read_search", "cap_fowner", "cap_fsetid", "cap_kill", "cap_setgid", "cap_setuid",
		"cap_setpcap", "cap_linux_immutable", "cap_net_bind_service", "cap_net_broadcast", "cap_net_admin", "cap_net_raw",
		"cap_ipc_lock", "cap_ipc_owner", "cap_sys_module", "cap_sys_rawio", "cap_sys_chroot", "cap_sys_ptrace", "cap_sys_pacct",
		"cap_sys_admin", "cap_sys_boot", "cap_sys_nice", "cap_sys_resource", "cap_sys_time", "cap_sys_tty_config", "cap_mknod",
		"cap_lease", "cap_audit_write", "cap_audit_control", "cap_setfcap", "cap_mac_override", "cap_mac_admin", "cap_syslog",
		"cap_wake_alarm", "cap_block_suspend", "cap_audit_read", "cap_perfmon", "cap_bpf", "cap_checkpoint_restore",
	}
}

// KnownCapability tells whether Linux has a capability of this name.
func KnownCapability(name string) bool { return slices.Contains(capabilities(), name) }

// Capability is the value of the extended attribute security.capability that gives
// a file these capabilities, permitted and effective: struct vfs_cap_data, version 2.
func Capability(names []string) []byte {
	const version2, effective = 0x02000000, 1
	var bits uint64
	for _, name := range names {
		if n := slices.Index(capabilities(), name); n >= 0 {
			bits |= 1 << n
		}
	}
	value := binary.LittleEndian.AppendUint32(nil, version2|effective)
	value = binary.LittleEndian.AppendUint32(value, uint32(bits))     // permitted, 0 to 31
	value = binary.LittleEndian.AppendUint32(value, 0)                // inheritable, 0 to 31
	value = binary.LittleEndian.AppendUint32(value, uint32(bits>>32)) // permitted, 32 and up
	return binary.LittleEndian.AppendUint32(value, 0)
}
