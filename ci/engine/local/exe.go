package local

import "runtime"

// exe is the name of a program's file on this system.
func exe(name string) string {
	if runtime.GOOS == "windows" {
		return name + ".exe"
	}
	return name
}
