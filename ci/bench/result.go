package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// record is one interleaved run: a scenario of one service, with all tools. A later run
// takes the place of the whole or adds rounds to it, so that no table has rows of two runs.
type record struct {
	Scenario string `json:"scenario"`
	Service  string `json:"service"`
	// Measured is the day, Commit what of this repository was measured.
	Measured string   `json:"measured"`
	Commit   string   `json:"commit"`
	Command  string   `json:"command"`
	Machine  machine  `json:"machine"`
	Tools    []column `json:"tools"`
	Rows     []row    `json:"rows,omitempty"`
	Sizes    []size   `json:"sizes,omitempty"`
}

// column is a tool as it took part.
type column struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// row is what the tools took for one kind of run.
type row struct {
	Name  string          `json:"name"`
	Cells map[string]cell `json:"cells"`
}

// cell has samples, or says why there are none.
type cell struct {
	Samples []sample `json:"samples,omitempty"`
	Empty   string   `json:"empty,omitempty"`
}

// sample is one run of a tool.
type sample struct {
	// Wall is what it took, and CPU what of the processors its processes did; daemons are
	// not its processes. Both are seconds.
	Wall float64 `json:"wall"`
	CPU  float64 `json:"cpu"`
	// Peak is the most memory that Slipway's own process had, in kilobytes.
	Peak int64 `json:"peak,omitempty"`
	// Asked are the requests to the registry that is pushed to.
	Asked int64 `json:"asked,omitempty"`
}

// size is what an image is made of, compressed, in bytes.
type size struct {
	Compression string `json:"compression"`
	Image       int64  `json:"image"`
	Base        int64  `json:"base"`
	// Program is the program by itself at the same compression.
	Program int64 `json:"program"`
}

// alike tells whether another record is of the same kind.
func (r record) alike(other record) bool {
	return other.Scenario == r.Scenario && other.Service == r.Service
}

// read returns the records of a file; none is there yet if the file is not.
func read(name string) ([]record, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the figures: %w", err)
	}
	var records []record
	if err := json.Unmarshal(text, &records); err != nil {
		return nil, fmt.Errorf("reading the figures of %s: %w", name, err)
	}
	return records, nil
}

// keep puts a record into a file, in the place of an earlier one of the same kind.
func keep(name string, r record) error {
	records, err := read(name)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(records, r.alike); i >= 0 {
		records[i] = r
	} else {
		records = append(records, r)
	}
	text, err := json.MarshalIndent(records, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(name, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("keeping the figures: %w", err)
	}
	return nil
}

// resume takes the samples of a kept record that was measured under the same conditions.
func (r *record) resume(name string) error {
	records, err := read(name)
	if err != nil {
		return err
	}
	for _, old := range records {
		if r.alike(old) && old.Commit == r.Commit && old.Machine == r.Machine && slices.Equal(old.Tools, r.Tools) {
			r.Rows = old.Rows
		}
	}
	return nil
}

// rounds is how many rounds a record has.
func (r *record) rounds() int {
	n := 0
	for _, w := range r.Rows {
		for _, c := range w.Cells {
			n = max(n, len(c.Samples))
		}
	}
	return n
}

// find returns a cell of a record, and whether it has samples.
func find(records []record, scenario, service, name, tool string) (cell, bool) {
	for _, r := range records {
		for _, w := range r.Rows {
			if r.Scenario == scenario && r.Service == service && w.Name == name {
				c := w.Cells[tool]
				return c, len(c.Samples) > 0
			}
		}
	}
	return cell{}, false
}

// median of an even number of runs is the mean of the two in the middle.
func (c cell) median() float64 {
	walls := make([]float64, len(c.Samples))
	for i, s := range c.Samples {
		walls[i] = s.Wall
	}
	slices.Sort(walls)
	half := len(walls) / 2
	if len(walls)%2 == 1 {
		return walls[half]
	}
	return (walls[half-1] + walls[half]) / 2
}

// fastest and slowest are the ends of the range.
func (c cell) fastest() float64 { return slices.MinFunc(c.Samples, byWall).Wall }
func (c cell) slowest() float64 { return slices.MaxFunc(c.Samples, byWall).Wall }

func byWall(a, b sample) int {
	if a.Wall < b.Wall {
		return -1
	}
	if a.Wall > b.Wall {
		return 1
	}
	return 0
}
