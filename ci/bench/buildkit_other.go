//go:build !linux

package main

import (
	"context"
	"errors"
)

func newBuildKit(context.Context, string) (rival, error) {
	return nil, errors.New("buildkitd runs on Linux only")
}
