//go:build !unix

package pins_test

import "os"

// makePipe makes a folder where there are no named pipes in the file system.
func makePipe(path string) error { return os.Mkdir(path, 0o700) }
