package local

import (
	"context"
	"errors"
	"os"
	"time"

	"example.com/slipway/ci/cache"
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
			} else if cache.Size(top) > sc.Limit+scratch {
				cancel(errors.New("wrote temporary files of more than " + step.Size(scratch)))
			}
		}
	}()
	return watched, func() {
		cancel(nil)
		cancelLimit()
	}
}
