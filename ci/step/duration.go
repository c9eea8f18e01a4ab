package step

import (
	"fmt"
	"time"
)

// Duration writes a duration in seconds: 0.4s, 9.9s, 12s, 125s.
func Duration(d time.Duration) string {
	d = max(d, 0).Round(100 * time.Millisecond)
	if d < 10*time.Second {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return fmt.Sprintf("%.0fs", d.Seconds())
}
