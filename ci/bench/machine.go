package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// machine is what measurements were made on.
type machine struct {
	Processors int    `json:"processors"`
	Model      string `json:"model"`
	Memory     string `json:"memory"`
	Kernel     string `json:"kernel"`
	// Go compiled the programs that are compared; Release is the one that they build with.
	Go      string `json:"go"`
	Release string `json:"release"`
}

func (b *bench) machine(ctx context.Context, release string) (machine, error) {
	m := machine{Processors: runtime.NumCPU(), Release: release}
	m.Model = field("/proc/cpuinfo", "model name")
	kilobytes, _, _ := strings.Cut(field("/proc/meminfo", "MemTotal"), " ")
	if total, err := strconv.ParseFloat(kilobytes, 64); err == nil {
		m.Memory = fmt.Sprintf("%.0f GB", total*1024/1e9)
	}
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return m, err
	}
	m.Kernel = strings.TrimSpace(string(text)) + " " + runtime.GOARCH
	m.Go, err = b.output(ctx, b.root, nil, "go", "env", "GOVERSION")
	return m, err
}

// field is the first value of a name in a file of /proc, or empty.
func field(file, name string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
