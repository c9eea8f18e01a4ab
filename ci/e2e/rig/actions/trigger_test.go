package actions

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTriggers_MatchesEventsAndNames(t *testing.T) {
	t.Parallel()
	main := Event{Name: "push", Ref: "refs/heads/main"}
	release := Event{Name: "push", Ref: "refs/heads/release/1.2"}
	tag := Event{Name: "push", Ref: "refs/tags/v1.2.3"}
	opened := Event{Name: "pull_request", Ref: "refs/pull/7/merge", BaseRef: "main", Payload: map[string]any{"action": "opened"}}
	labeled := Event{Name: "pull_request", Ref: "refs/pull/7/merge", BaseRef: "main", Payload: map[string]any{"action": "labeled"}}
	queue := Event{Name: "merge_group", Ref: "refs/heads/gh-readonly-queue/main/pr-8", Payload: map[string]any{"action": "checks_requested", "merge_group": map[string]any{"base_ref": "refs/heads/main"}}}
	nightly := Event{Name: "schedule", Payload: map[string]any{"schedule": "1 2 * * *"}}
	for name, c := range map[string]struct {
		on      string
		yes, no []Event
	}{
		"names":            {on: "[push, merge_group]", yes: []Event{main, tag, queue}, no: []Event{opened, nightly}},
		"branches":         {on: "{push: {branches: [main]}}", yes: []Event{main}, no: []Event{release, tag}},
		"tags":             {on: "{push: {tags: ['v*']}}", yes: []Event{tag}, no: []Event{main}},
		"both":             {on: "{push: {branches: [main], tags: ['v[0-9]+.*']}}", yes: []Event{main, tag}, no: []Event{release}},
		"one star":         {on: "{push: {branches: ['release*']}}", no: []Event{release}},
		"two stars":        {on: "{push: {branches: ['release/**', '!release/1.1']}}", yes: []Event{release}},
		"the last decides": {on: "{push: {branches: ['**', '!release/**', main]}}", yes: []Event{main}, no: []Event{release}},
		"ignored":          {on: "{push: {branches-ignore: [main]}}", yes: []Event{release}, no: []Event{main, tag}},
		"activities":       {on: "{pull_request: }", yes: []Event{opened}, no: []Event{labeled}},
		"named activities": {on: "{pull_request: {types: [labeled]}}", yes: []Event{labeled}, no: []Event{opened}},
		"base branch":      {on: "{pull_request: {branches: [next]}}", no: []Event{opened}},
		"queue's branch":   {on: "{merge_group: {branches: [main]}}", yes: []Event{queue}},
		"time":             {on: "{schedule: [{cron: '1 2 * * *'}]}", yes: []Event{nightly}},
		"another time":     {on: "{schedule: [{cron: '1 3 * * *'}]}", no: []Event{nightly}},
		"called":           {on: "workflow_call", no: []Event{main}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			workflow, err := readWorkflow("w.yml", []byte("on: "+c.on+"\njobs: {a: {runs-on: ubuntu-24.04, steps: [{run: 'true'}]}}\n"))
			require.NoError(t, err)
			for want, list := range map[bool][]Event{true: c.yes, false: c.no} {
				for _, e := range list {
					got, err := triggers(workflow.On, e)
					require.NoError(t, err)
					require.Equal(t, want, got, e.Name+" "+e.Ref)
				}
			}
		})
	}
}
