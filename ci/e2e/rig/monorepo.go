package rig

import "fmt"

const (
	// Ships is how many services a monorepo has.
	Ships = 50
	// neighbours is how many of them use one shared package.
	neighbours = 3
)

// Monorepo is the source of many services in one module: a main of each, a package that
// only it uses, one that it shares with its neighbours and one that all use. Each is an
// HTTP server that speaks JSON, so that compiling and linking cost what they cost for a
// real one. Half of them say their version.
func Monorepo() map[string]string {
	files := map[string]string{
		"go.mod":               "module example.com/fleet\n\ngo 1.25.0\n",
		"internal/all/all.go":  monorepoAll,
		"internal/all/all.txt": "fleet\n",
	}
	for i := range Ships {
		ship, port := Ship(i), i/neighbours
		kind := "const"
		if SaysVersion(i) {
			kind = "var"
		}
		files["cmd/"+ship+"/main.go"] = fmt.Sprintf(monorepoMain, ship, port, kind)
		files["internal/"+ship+"/"+ship+".go"] = fmt.Sprintf(monorepoOwn, ship, i)
		files[fmt.Sprintf("internal/port%02d/port.go", port)] = fmt.Sprintf(monorepoPort, port)
	}
	return files
}

// SaysVersion tells whether a service has variables for its version and commit.
func SaysVersion(i int) bool { return i%2 == 1 }

// Ship is the name of a monorepo's service.
func Ship(i int) string { return fmt.Sprintf("ship%02d", i) }

const monorepoAll = `// Package all is used by every service.
package all

import (
	_ "embed"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"time"
)

//go:embed all.txt
var banner string

// Serve serves a value as JSON.
func Serve(name string, value func() any) {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		if err := json.NewEncoder(w).Encode(map[string]any{"name": name, "fleet": banner, "value": value()}); err != nil {
			log.Error(err.Error())
		}
	})
	server := &http.Server{Addr: ":8080", ReadHeaderTimeout: time.Second}
	log.Error(server.ListenAndServe().Error())
}
`

const monorepoMain = `package main

import (
	"example.com/fleet/internal/all"
	"example.com/fleet/internal/port%02[2]d"
	"example.com/fleet/internal/%[1]s"
)

%[3]s version, commit = "", ""

func main() {
	all.Serve("%[1]s "+version+commit, func() any { return []any{port%02[2]d.Name(), %[1]s.Draught()} })
}
`

const monorepoOwn = `// Package %[1]s is that of one service.
package %[1]s

import "time"

// Draught is how deep it lies.
func Draught() time.Duration { return %[2]d * time.Second }
`

const monorepoPort = `// Package port%02[1]d is that of a few services.
package port%02[1]d

import "strings"

// Name is where they lie.
func Name() string { return strings.ToUpper("port %[1]d") }
`
