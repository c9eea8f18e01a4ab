package rig

import "fmt"

// Neighbours is how many services of a monorepo use one shared package.
const Neighbours = 3

// Monorepo is the source of many services in one module: a main of each, a package that
// only it uses, one that it shares with its neighbours and one that all use. Each is an
// HTTP server that speaks JSON, so that compiling and linking cost what they cost for a
// real one.
func Monorepo(services int) map[string]string {
	files := map[string]string{
		"go.mod":               "module example.com/fleet\n\ngo 1.25.0\n",
		"internal/all/all.go":  monorepoAll,
		"internal/all/all.txt": "fleet\n",
	}
	for i := range services {
		ship, port := Ship(i), i/Neighbours
		files["cmd/"+ship+"/main.go"] = fmt.Sprintf(monorepoMain, ship, port, ship, port, ship)
		files["internal/"+ship+"/"+ship+".go"] = fmt.Sprintf(monorepoOwn, ship, ship, i)
		files[fmt.Sprintf("internal/port%02d/port.go", port)] = fmt.Sprintf(monorepoPort, port, port, port)
	}
	return files
}

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
	"example.com/fleet/internal/%s"
	"example.com/fleet/internal/port%02d"
)

var version, commit string

func main() {
	all.Serve("%s "+version+commit, func() any { return []any{port%02d.Name(), %s.Draught()} })
}
`

const monorepoOwn = `// Package %s is that of one service.
package %s

import "time"

// Draught is how deep it lies.
func Draught() time.Duration { return %d * time.Second }
`

const monorepoPort = `// Package port%02d is that of a few services.
package port%02d

import "strings"

// Name is where they lie.
func Name() string { return strings.ToUpper("port %d") }
`
