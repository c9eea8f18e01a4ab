package runner

import "embed"

// Source is this package with the program around it, to be compiled elsewhere: the Go
// files, and command/main.go.
//
//go:embed *.go command/main.go
var Source embed.FS
