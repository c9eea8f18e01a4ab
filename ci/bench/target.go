package main

// target is a figure that was asked for before anything was measured.
type target struct {
	what string
	// most is the target, unit what follows the figure, digits how many it has.
	most   float64
	unit   string
	digits int
	figure func(records []record) (float64, bool)
}

// heavy is the service of the targets.
const heavy = "caddy"

// targets are in the order in which they were set.
func targets() []target {
	return []target{
		{"fresh runner, one line edited, Slipway local / its own cold", 0.12, "", 2, over("fresh", heavy, end{freshLine, slipwayLocal}, end{coldRow, slipwayLocal})},
		{"fresh runner, one line edited, Slipway local / BuildKit with registry cache", 0.12, "", 2, over("fresh", heavy, end{freshLine, slipwayLocal}, end{freshLine, buildkitTool})},
		{"fresh runner, unchanged, Slipway local / BuildKit with registry cache", 2, "", 2, over("fresh", heavy, end{freshSame, slipwayLocal}, end{freshSame, buildkitTool})},
		{"warm, one line edited, Slipway local / ko", 0.6, "", 2, over("warm", heavy, end{warmLine, slipwayLocal}, end{warmLine, koTool})},
		{"warm, unchanged, Slipway local / ko", 0.2, "", 2, over("warm", heavy, end{warmSame, slipwayLocal}, end{warmSame, koTool})},
		{"warm, one line edited, Slipway on Dagger / BuildKit with the Dockerfile", 1, "", 2, over("warm", heavy, end{warmLine, slipwayDagger}, end{warmLine, buildkitTool})},
		{"cold, Slipway local / ko", 1, "", 2, over("fresh", heavy, end{coldRow, slipwayLocal}, end{coldRow, koTool})},
		{"50 services, Slipway local: one edit / all", 0.06, "", 3, over("monorepo", "monorepo", end{monoOne, slipwayLocal}, end{monoAll, slipwayLocal})},
		{"peak memory of Slipway's own process, two platforms", 200, " MB", 0, peak},
		{"job from clone to digest, Slipway compiled first, one line edited, Slipway local / BuildKit with registry cache", 0.5, "", 2, over("job", heavy, end{jobCompiled, slipwayLocal}, end{jobLine, buildkitTool})},
		{"image over base and program, gzip", 4096, " bytes", 0, overhead},
		{"image with zstd / with gzip", 0.93, "", 2, zstdOverGzip},
	}
}

// end is a cell of a record.
type end struct{ row, tool string }

// over is the ratio of two medians of one record.
func over(scenario, service string, a, b end) func([]record) (float64, bool) {
	return func(records []record) (float64, bool) {
		x, one := find(records, scenario, service, a.row, a.tool)
		y, two := find(records, scenario, service, b.row, b.tool)
		if !one || !two {
			return 0, false
		}
		return x.median() / y.median(), true
	}
}

// peak is the most memory that Slipway had in any run for two platforms.
func peak(records []record) (float64, bool) {
	var most int64
	for _, end := range []struct{ scenario, row string }{{"warm", warmBoth}, {"push", pushFirst}} {
		for _, tool := range []string{slipwayLocal, slipwayDagger} {
			c, _ := find(records, end.scenario, heavy, end.row, tool)
			for _, s := range c.Samples {
				most = max(most, s.Peak)
			}
		}
	}
	return float64(most) * 1024 / 1e6, most > 0
}

func overhead(records []record) (float64, bool) {
	z, ok := sizeOf(records, heavy, "gzip")
	return float64(z.Image - z.Base - z.Program), ok
}

func zstdOverGzip(records []record) (float64, bool) {
	gzip, one := sizeOf(records, heavy, "gzip")
	zstd, two := sizeOf(records, heavy, "zstd")
	return float64(zstd.Image) / float64(gzip.Image), one && two
}

func sizeOf(records []record, service, compression string) (size, bool) {
	for _, r := range records {
		for _, z := range r.Sizes {
			if r.Service == service && z.Compression == compression {
				return z, true
			}
		}
	}
	return size{}, false
}
