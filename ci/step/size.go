package step

import (
	"fmt"
	"math"
)

// Size writes a number of bytes in the decimal units that registries show: 512 B,
// 84.2 kB, 6.1 MB, 1.2 GB.
func Size(n int64) string {
	v, units := float64(n), []string{"B", "kB", "MB", "GB", "TB", "PB", "EB"}
	i := 0
	// What would be rounded to 1000 belongs to the next unit.
	for math.Round(math.Abs(v)) >= 1000 && i < len(units)-1 {
		v /= 1000
		i++
	}
	if i == 0 || math.Abs(v) >= 99.95 {
		return fmt.Sprintf("%.0f %s", v, units[i])
	}
	return fmt.Sprintf("%.1f %s", v, units[i])
}

// Count writes a number of things, the first as a word: one finding, 2 findings.
func Count(n int, what string) string {
	if n == 1 {
		return "one " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
