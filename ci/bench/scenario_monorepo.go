package main

import (
	"fmt"
	"strings"

	"example.com/slipway/ci/e2e/rig"
)

// The rows of a monorepo.
const (
	monoAll       = "all services changed"
	monoOne       = "one service edited"
	monoSame      = "nothing changed"
	monoCommitted = "one service edited, and committed"
)

// monorepo is one module with many services, of which one run makes all images.
func monorepo() scenario {
	return scenario{
		name:    "monorepo",
		says:    "One module with 50 services, of which each has a package of its own, one that it shares with two others and one that all import, and every other one has variables for its version; all images in one run, two platforms, on a warm machine: a line changes in the package that all import, in one service, nowhere, and in one service with a commit of everything, which all of Slipway's images name. Slipway with `--main all`, ko with every service by name, BuildKit with a target for each service and twice as many `buildctl` at a time as there are processors.",
		warmups: 1,
		variants: []variant{
			{name: monoAll, change: shared, both: true},
			{name: monoOne, change: line, both: true},
			{name: monoSame, both: true},
			{name: monoCommitted, change: line, commit: true, both: true},
		},
	}
}

// monorepoDockerfile has a target for each service, as a bake file would name them.
func monorepoDockerfile(builder, base string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "FROM --platform=$BUILDPLATFORM %s AS source\nWORKDIR /src\nCOPY . .\nARG TARGETOS TARGETARCH\n", builder)
	for i := range rig.Ships {
		fmt.Fprintf(&text, "\nFROM source AS build-%[1]s\nRUN --mount=type=cache,target=/root/.cache/go-build CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH "+
			"go build -trimpath -buildvcs=false -ldflags \"-s -w\" -o /out/service ./cmd/%[1]s\n"+
			"FROM %[2]s AS %[1]s\nCOPY --from=build-%[1]s /out/service /app/service\nUSER 65532:65532\nENTRYPOINT [\"/app/service\"]\n", rig.Ship(i), base)
	}
	return text.String()
}
