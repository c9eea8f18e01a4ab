package receipt_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/step"
)

// heard is a reporter that remembers the order in which it heard.
type heard struct {
	mu    sync.Mutex
	words []string
}

func (h *heard) say(word string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.words = append(h.words, word)
}

func (h *heard) Start(name string) step.Step { h.say("start " + name); return said{h, name} }
func (h *heard) Note(text string)            { h.say("note " + text) }

type said struct {
	*heard
	name string
}

func (s said) Log(line string)       { s.say(s.name + " says " + line) }
func (s said) Ran(c step.Command)    { s.say(s.name + " ran " + c.Args[0]) }
func (s said) Done(summary string)   { s.say(s.name + " done " + summary) }
func (s said) Cached(summary string) { s.say(s.name + " cached " + summary) }
func (s said) Fail(err error)        { s.say(s.name + " fails " + err.Error()) }

// clock moves by hand.
type clock struct{ at time.Time }

func (c *clock) now() time.Time      { return c.at }
func (c *clock) after(ms int) *clock { c.at = c.at.Add(time.Duration(ms) * time.Millisecond); return c }
func begin() *clock {
	return &clock{time.Date(2026, 11, 23, 6, 12, 0, 0, time.FixedZone("tide", 3600))}
}
func utc(c *clock, ms int) time.Time { return c.at.UTC().Add(time.Duration(ms) * time.Millisecond) }

func TestRecorder_RemembersStepsAndPassesThemOn(t *testing.T) {
	t.Parallel()
	to, c := &heard{}, begin()
	r := receipt.NewRecorder(to, c.now)
	started := utc(c, 0)
	c.after(10)
	base, build := r.Start("base"), r.Start("build")
	c.after(30)
	base.Log("line")
	base.Cached("pinned")
	r.Note("the source has changes")
	c.after(100)
	build.Fail(errors.New("exit status 1"))
	scan := r.Start("scan")
	c.after(5)
	scan.Done("2 findings")
	r.Start("open")
	c.after(60)

	var got receipt.Receipt
	r.Record(&got)
	require.Equal(t, []receipt.Step{
		{Name: "base", Outcome: "cached", Summary: "pinned", After: 10, Took: 30},
		{Name: "build", Outcome: "failed", Summary: "exit status 1", After: 10, Took: 130},
		{Name: "scan", Outcome: "done", Summary: "2 findings", After: 140, Took: 5},
		{Name: "open", After: 145},
	}, got.Run.Steps)
	require.Equal(t, []string{"the source has changes"}, got.Notes)
	require.Equal(t, started, got.Run.Started)
	require.Equal(t, utc(c, 0), got.Run.Ended)
	require.Equal(t, time.UTC, got.Run.Ended.Location())
	require.Equal(t, []string{
		"start base", "start build", "base says line", "base cached pinned", "note the source has changes",
		"build fails exit status 1", "start scan", "scan done 2 findings", "start open",
	}, to.words)
}

func TestRecorder_WhatIsRecordedStaysAsItWas(t *testing.T) {
	t.Parallel()
	r := receipt.NewRecorder(step.Silent{}, begin().now)
	s := r.Start("base")
	var got receipt.Receipt
	r.Record(&got)
	s.Done("later")
	r.Note("later")
	require.Equal(t, []receipt.Step{{Name: "base"}}, got.Run.Steps)
	require.Empty(t, got.Notes)
}

func TestRecorder_NamesTheStepThatEndedTheRun(t *testing.T) {
	t.Parallel()
	r := receipt.NewRecorder(step.Silent{}, begin().now)
	require.Empty(t, r.Failing(nil))
	one, other := r.Start("build linux/amd64"), r.Start("build linux/arm64")
	require.Equal(t, "build linux/arm64", r.Failing(nil), "an open one, where none has failed")
	r.Start("cache").Fail(errors.New("not whole"))
	ended := errors.New("no water")
	one.Fail(ended)
	other.Fail(ended)
	require.Equal(t, "build linux/amd64", r.Failing(fmt.Errorf("building: %w", ended)), "the other was ended because of it")
	require.Equal(t, "cache", r.Failing(errors.New("in no step")))
}

func TestRecorder_HearsSeveralAtOnce(t *testing.T) {
	t.Parallel()
	r := receipt.NewRecorder(&heard{}, time.Now)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				s := r.Start("step")
				r.Note("note")
				s.Done("done")
			}
		})
	}
	group.Wait()
	var got receipt.Receipt
	r.Record(&got)
	require.Len(t, got.Run.Steps, 400)
	require.Len(t, got.Notes, 400)
	for _, s := range got.Run.Steps {
		require.Equal(t, "done", s.Outcome)
	}
}

func TestReceipt_FindsAGate(t *testing.T) {
	t.Parallel()
	r := receipt.Receipt{Gates: []finding.Gate{{Name: finding.GateTests, Outcome: finding.Passed}}}
	g, ok := r.Gate(finding.GateTests)
	require.True(t, ok)
	require.Equal(t, finding.Passed, g.Outcome)
	_, ok = r.Gate(finding.GateSmoke)
	require.False(t, ok)
}
