// Program scanner stands in for Trivy where a test wants one that misbehaves. A file
// beside it, named trivy.mode, says how, and which version it claims to be.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const gigabyte = 1 << 30

func main() {
	program, err := os.Executable()
	check(err)
	text, err := os.ReadFile(filepath.Join(filepath.Dir(program), "trivy.mode"))
	check(err)
	mode, version, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	if os.Args[1] == "version" {
		fmt.Printf("{\"Version\":%q}\n", version)
		return
	}
	fmt.Fprintln(os.Stderr, "INFO scanning")
	switch mode {
	case "crash":
		panic("broken")
	case "hang":
		time.Sleep(time.Hour)
	case "silent":
	case "empty":
		write("")
	case "truncated":
		write(`{"SchemaVersion":2,"Trivy":{"Version":"` + version + `"},"Results":[{"Target":`)
	case "large":
		f, err := os.Create("report.json")
		check(err)
		fill(f)
	case "loud":
		fill(os.Stdout)
		fill(os.Stderr)
		os.Exit(1)
	case "look":
		look(version)
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func write(text string) { check(os.WriteFile("report.json", []byte(text), 0o600)) }

// fill writes a gigabyte of lines.
func fill(w io.Writer) {
	block := bytes.Repeat([]byte(strings.Repeat("x", 99)+"\n"), 10_000)
	for n := 0; n < gigabyte; n += len(block) {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

// look reports what a scanner sees of its surroundings.
func look(version string) {
	var names []string
	entries, err := os.ReadDir(".")
	check(err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	network, err := os.ReadFile("/proc/self/net/dev")
	check(err)
	_, err = os.Stat("cache/db/trivy.db")
	check(err)
	_, err = os.Stat("image/index.json")
	check(err)
	text, err := json.Marshal(map[string]any{
		"Trivy": map[string]string{"Version": version}, "Env": os.Environ(), "Files": names, "Args": os.Args[1:], "Network": string(network),
	})
	check(err)
	write(string(text))
}
