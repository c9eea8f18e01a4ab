package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// services is how many a monorepo has.
const services = 50

// generate writes the monorepo: services that listen and log, each with a package of its
// own, on three shared packages of which the others import the first.
func (s *service) generate() error {
	files := map[string]string{
		"go.mod":         "module example.com/fleet\n\ngo 1.25.0\n",
		"chart/chart.go": "// Package chart has what all know.\npackage chart\n\nimport \"time\"\n\n// Version is that of all.\nconst Version = \"edit 0\"\n\n// Now is the time at sea.\nfunc Now() string { return time.Now().UTC().Format(time.RFC3339) + \" \" + Version }\n",
		"logbook/logbook.go": "// Package logbook writes what happens.\npackage logbook\n\nimport (\n\t\"log/slog\"\n\t\"os\"\n\n\t\"example.com/fleet/chart\"\n)\n\n" +
			"// New is the log of a service.\nfunc New(name string) *slog.Logger {\n\treturn slog.New(slog.NewJSONHandler(os.Stderr, nil)).With(\"service\", name, \"version\", chart.Version)\n}\n",
		"harbour/harbour.go": "// Package harbour answers requests.\npackage harbour\n\nimport (\n\t\"encoding/json\"\n\t\"net/http\"\n\n\t\"example.com/fleet/chart\"\n\t\"example.com/fleet/logbook\"\n)\n\n" +
			"// Serve listens.\nfunc Serve(name string, answer func() string) error {\n\tlogbook.New(name).Info(\"up\")\n\treturn http.ListenAndServe(\":8080\", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {\n\t\t_ = json.NewEncoder(w).Encode(map[string]string{name: answer(), \"now\": chart.Now()})\n\t}))\n}\n",
	}
	for i := range services {
		files[fmt.Sprintf("internal/svc%02d/answer.go", i)] = fmt.Sprintf("// Package svc%02[1]d is what service %[1]d knows.\npackage svc%02[1]d\n\n// Answer is its answer.\nfunc Answer() string { return \"answer %[1]d\" }\n", i)
		files[fmt.Sprintf("cmd/svc%02d/main.go", i)] = fmt.Sprintf("package main\n\nimport (\n\t\"os\"\n\n\t\"example.com/fleet/harbour\"\n\t\"example.com/fleet/internal/svc%02[1]d\"\n)\n\nfunc main() {\n\tif harbour.Serve(\"svc%02[1]d\", svc%02[1]d.Answer) != nil {\n\t\tos.Exit(1)\n\t}\n}\n", i)
	}
	for name, text := range files {
		file := filepath.Join(s.dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// editShared changes a line that every service has in it.
func (s *service) editShared(n int) error {
	name := filepath.Join(s.dir, "chart", "chart.go")
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	before, rest, _ := strings.Cut(string(text), `"edit `)
	_, after, _ := strings.Cut(rest, `"`)
	return os.WriteFile(name, []byte(fmt.Sprintf("%s\"edit %d\"%s", before, n, after)), 0o644)
}

// monorepoDockerfile has a target for each service, as a bake file would name them.
func monorepoDockerfile(builder, base string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "FROM --platform=$BUILDPLATFORM %s AS source\nWORKDIR /src\nCOPY . .\nARG TARGETOS TARGETARCH\n", builder)
	for i := range services {
		fmt.Fprintf(&text, "\nFROM source AS build%02[1]d\nRUN --mount=type=cache,target=/root/.cache/go-build CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH "+
			"go build -trimpath -buildvcs=false -ldflags \"-s -w\" -o /out/service ./cmd/svc%02[1]d\n"+
			"FROM %[2]s AS svc%02[1]d\nCOPY --from=build%02[1]d /out/service /app/service\nUSER 65532:65532\nENTRYPOINT [\"/app/service\"]\n", i, base)
	}
	return text.String()
}
