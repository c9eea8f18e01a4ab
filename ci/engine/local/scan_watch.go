package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/step"
	"example.com/slipway/ci/tool"
)

const (
	// look is how often it is seen what a scanner has written.
	look = 50 * time.Millisecond
	// scratch bounds what it may have in temporary files, in bytes: it unpacks what is in
	// an image.
	scratch = 8 << 30
)

// watch returns a context that ends, with a cause that is a clause about the scanner,
// when it takes too long or fills the disk. A limit that the kernel puts on files would
// hold for temporary ones too, and not for their number.
func watch(ctx context.Context, top, report string, sc engine.Scan) (watched context.Context, stop func()) {
	limited, cancelLimit := context.WithTimeoutCause(ctx, sc.Wait, errors.New(tool.TooLong(sc.Wait)))
	watched, cancel := context.WithCancelCause(limited)
	go func() {
		ticker := time.NewTicker(look)
		defer ticker.Stop()
		for {
			select {
			case <-watched.Done():
				return
			case <-ticker.C:
			}
			if info, err := os.Lstat(report); err == nil && info.Size() > sc.Limit {
				cancel(errors.New(tool.LargeReport(sc.Limit)))
			} else if taken(top) > sc.Limit+scratch {
				cancel(errors.New("wrote temporary files of more than " + step.Size(scratch)))
			}
		}
	}()
	return watched, func() {
		cancel(nil)
		cancelLimit()
	}
}

// taken is the size of all files in a folder. What goes away meanwhile counts as nothing.
func taken(dir string) int64 {
	var total int64
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
		return nil
	})
	return total
}
