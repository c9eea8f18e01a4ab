package main

// The rows of a monorepo.
const (
	monoAll  = "all services changed"
	monoOne  = "one service edited"
	monoSame = "nothing changed"
)

// monorepo is one module with many services, of which one run makes all images.
func monorepo() scenario {
	return scenario{
		name:    "monorepo",
		says:    "One module with 50 services on three shared packages, all images in one run, two platforms, on a warm machine: a line changes in a package that all services import, in one service, nowhere. Slipway with `--main all`, ko with `./cmd/...`, BuildKit with a target for each service and twice as many `buildctl` at a time as there are processors.",
		warmups: 1,
		variants: []variant{
			{name: monoAll, change: shared, both: true},
			{name: monoOne, change: line, both: true},
			{name: monoSame, both: true},
		},
	}
}
