package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
)

// The names of the tools, as -tools takes them and the figures have them.
const (
	slipwayLocal  = "slipway"
	slipwayDagger = "slipway-dagger"
	koTool        = "ko"
	buildkitTool  = "buildkit"
	plainTool     = "plain"
)

// tool is one of those that are compared.
type tool interface {
	name() string
	version() string
	// clear makes this a machine on which the tool is installed and has never built.
	clear(ctx context.Context) error
	// save builds a job and keeps what a fresh runner takes along.
	save(ctx context.Context, j job) error
	// build is what a user would type for a job: steps one after the other, each of
	// commands that run beside each other.
	build(j job) [][]command
	stop() error
}

// sameAbove is what an empty cell says of a peer whose run is that of the row above.
const sameAbove = "compiles nothing of its own: as above"

// cannot says why there can be no figure of a tool for a kind of run, or nothing.
func cannot(tool string, s *service, v variant) string {
	switch {
	case v.clone && (tool == slipwayDagger || tool == plainTool):
		return "a fresh job has no engine"
	case tool == plainTool && v.restore:
		return "an engine exports no cache: as cold"
	case tool == plainTool && s.monorepo():
		return "the baseline builds one service"
	case v.compile && (tool == koTool || tool == buildkitTool):
		return sameAbove
	}
	return ""
}

// job is what a tool is asked to do.
type job struct {
	service *service
	// src is the source folder: the service's, or a clone of it.
	src       string
	platforms string
	// out is an empty folder for the images, unless they are pushed.
	out  string
	push bool
	// restore takes along what was saved, save saves it again.
	restore, save bool
	// program is Slipway where the job has compiled it itself.
	program string
}

// startTools starts those that are named.
func (b *bench) startTools(ctx context.Context, names []string) error {
	makers := map[string]func(context.Context) (tool, error){
		slipwayLocal: b.newSlipway, slipwayDagger: b.newSlipwayDagger, koTool: b.newKo, buildkitTool: b.newBuildKit, plainTool: b.newPlain,
	}
	for _, name := range names {
		start, ok := makers[name]
		if !ok {
			return fmt.Errorf("there is no tool %q", name)
		}
		b.say("starting %s", name)
		t, err := start(ctx)
		if err != nil {
			return err
		}
		b.tools = append(b.tools, t)
	}
	return nil
}

func (b *bench) stopTools() error {
	var err error
	for _, t := range slices.Backward(b.tools) {
		err = errors.Join(err, t.stop())
	}
	if b.engine != nil {
		err = errors.Join(err, b.engine.stop())
	}
	return err
}

// home is a folder of a tool's own.
func (b *bench) home(names ...string) string {
	return filepath.Join(append([]string{b.temp, "homes"}, names...)...)
}
