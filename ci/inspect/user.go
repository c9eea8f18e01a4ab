package inspect

import (
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// Where a runtime looks names of users and groups up.
const (
	accountsPath = "/etc/passwd"
	groupsPath   = "/etc/group"
)

// Fields of passwd(5) and group(5).
const (
	fieldName    = 0
	fieldUID     = 2
	fieldGID     = 3
	fieldHome    = 5
	fieldMembers = 3
)

// user works out who the configuration's USER is, as runtimes do: user[:group],
// each a name or a number, and root if it is empty.
func (t *tree) user(given string) User {
	name, group, hasGroup := strings.Cut(given, ":")
	u := User{Known: true}
	u.UID, u.Numeric = number(name)
	account := t.entry(accountsPath, func(fields []string) bool {
		return !u.Numeric && name != "" && fields[fieldName] == name || (u.Numeric || name == "") && fields[fieldUID] == strconv.Itoa(u.UID)
	})
	switch {
	case account != nil:
		u.UID, _ = number(account[fieldUID])
		u.GID, _ = number(account[fieldGID])
	case name != "" && !u.Numeric:
		u.Known = false
	}
	if !hasGroup || group == "" {
		if account != nil {
			u.groups = t.memberships(account[fieldName])
		}
		return u
	}
	if id, ok := number(group); ok {
		u.GID = id
	} else if entry := t.entry(groupsPath, func(fields []string) bool { return fields[fieldName] == group }); entry != nil {
		u.GID, _ = number(entry[fieldUID])
	} else {
		u.Known = false
	}
	return u
}

func number(s string) (int, bool) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err == nil
}

// entry returns the fields of the first line that is wanted, or nil.
func (t *tree) entry(file string, wanted func([]string) bool) []string {
	for line := range strings.Lines(string(t.read(file))) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		if len(fields) > fieldGID && wanted(fields) {
			return fields
		}
	}
	return nil
}

func (t *tree) memberships(name string) []int {
	var groups []int
	t.entry(groupsPath, func(fields []string) bool {
		if id, ok := number(fields[fieldUID]); ok && slices.Contains(strings.Split(fields[fieldMembers], ","), name) {
			groups = append(groups, id)
		}
		return false
	})
	return groups
}

// mayExecute tells whether a user may run a file or go through a folder.
func (u User) mayExecute(in *inode) bool {
	perm := in.mode.Perm()
	switch {
	case u.UID == 0:
		return in.mode.IsDir() || perm&0o111 != 0
	case u.UID == in.uid:
		return perm&0o100 != 0
	case u.GID == in.gid, slices.Contains(u.groups, in.gid):
		return perm&0o010 != 0
	}
	return perm&0o001 != 0
}

// mayReach tells whether a user may go through every folder on the way to a file
// and run it.
func (u User) mayReach(at place) bool {
	return at.mode&fs.ModeType == 0 && u.mayExecute(at.inode) &&
		!slices.ContainsFunc(at.through, func(dir *node) bool { return !u.mayExecute(dir.inode) })
}
