package pipeline_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/pipeline"
	"example.com/slipway/ci/receipt"
)

// The images are made before the first line of the source runs, and only the gates that
// are asked judge.
func TestCheck_RunsNothingBeforeTheImagesAreMade(t *testing.T) {
	t.Parallel()
	f := &fake{}
	p, _ := service(t, f, nil)
	done, err := p.Check(t.Context(), file, pipeline.Checks{Gates: []string{finding.GateTests}})
	require.NoError(t, err)
	require.NoError(t, done.Err())
	require.Equal(t, "test", f.said[len(f.said)-1])
	require.ElementsMatch(t, []string{"prepare", "build linux/amd64", "build linux/arm64", "test"}, f.said)
	r := done.Receipt
	require.Equal(t, receipt.Passed, r.Verdict)
	require.Equal(t, done.Images[0].Index.Digest.String(), r.Images[0].Digest)
	for _, g := range r.Gates[1:] {
		require.Equal(t, finding.Skipped, g.Outcome, g.Name)
	}
	require.NotEmpty(t, r.Run.Steps)
}

// What breaks down beside the gates is no verdict, and the receipt says so.
func TestCheck_HasNoVerdictWithoutAnEngine(t *testing.T) {
	t.Parallel()
	f := &fake{broken: fault.New(fault.Engine, "the engine went away").WithFix("start it").WithDetail("EOF")}
	p, _ := service(t, f, nil)
	done, err := p.Check(t.Context(), file, pipeline.Checks{Gates: []string{finding.GateTests}, Rerun: 2})
	require.Equal(t, fault.Engine, fault.KindOf(err))
	r := done.Receipt
	require.Equal(t, receipt.Stopped, r.Verdict)
	require.Equal(t, &receipt.Failure{Kind: "engine", Step: "test", What: "the engine went away", Fix: "start it", Detail: []string{"EOF"}}, r.Failure)
	require.Empty(t, r.Gates)
	require.Equal(t, done.Images[0].Index.Digest.String(), r.Images[0].Digest, "the images were made before")
	require.Equal(t, receipt.Request{Verb: "check", Gates: []string{finding.GateTests}, Rerun: 2, Settings: map[string][]string{}}, r.Run.Request)
	require.Equal(t, "v1", r.Run.EngineVersion)
	require.Equal(t, done.Plan.Image.Toolchain, r.Run.Toolchain.Release)
}

// A source that does not build has failed, and the receipt has the plan, the state of the
// source and what the compiler said.
func TestCheck_LeavesAReceiptOfWhatDoesNotBuild(t *testing.T) {
	t.Parallel()
	f := &fake{during: func(engine.Target) error {
		return fault.New(fault.Source, "example.com/tide does not build").WithDetail("./main.go:3:15: undefined: x")
	}}
	p, _ := service(t, f, nil)
	done, err := p.Check(t.Context(), file, pipeline.Checks{})
	require.Equal(t, fault.Source, fault.KindOf(err))
	r := done.Receipt
	require.Equal(t, receipt.Failed, r.Verdict)
	require.Equal(t, "source", r.Failure.Kind)
	require.Regexp(t, "^build linux/", r.Failure.Step)
	require.Equal(t, []string{"./main.go:3:15: undefined: x"}, r.Failure.Detail)
	require.Len(t, r.Images, 1)
	require.Empty(t, r.Images[0].Digest)
	require.Len(t, r.Images[0].PlanHash, 2)
	require.Equal(t, ".", r.Source.Folder)
	require.Regexp(t, "^sha256:", r.Source.Modules)
	require.NotEmpty(t, r.Run.Steps)
}

// A source folder without a plan has a receipt too, with nothing but the reason in it.
func TestCheck_LeavesAReceiptWithoutAPlan(t *testing.T) {
	t.Parallel()
	p, _ := service(t, &fake{}, map[string]string{".slipway.yaml": "bsae: builtin\n"})
	done, err := p.Check(t.Context(), file, pipeline.Checks{})
	require.Equal(t, fault.Usage, fault.KindOf(err))
	require.Nil(t, done.Built)
	require.Equal(t, receipt.Stopped, done.Receipt.Verdict)
	require.Equal(t, "usage", done.Receipt.Failure.Kind)
	require.Equal(t, "source", done.Receipt.Failure.Step)
}

// Failing tests count more than a gate that refuses, and that more than one that could
// not judge.
func TestErr_IsTheWorstThatAGateSays(t *testing.T) {
	t.Parallel()
	gate := func(name string, o finding.Outcome) finding.Gate {
		return finding.Gate{Name: name, Outcome: o, Summary: "so it is", Fix: "mend it"}
	}
	for name, tt := range map[string]struct {
		gates []finding.Gate
		kind  fault.Kind
		want  string
	}{
		"all pass":        {[]finding.Gate{gate("tests", finding.Passed), gate("smoke", finding.Skipped)}, 0, ""},
		"tests fail":      {[]finding.Gate{gate("tests", finding.Failed), gate("image", finding.Failed)}, fault.Tests, "the gate tests fails: so it is: mend it"},
		"one refuses":     {[]finding.Gate{gate("tests", finding.Passed), gate("image", finding.Failed), gate("smoke", finding.Unjudged)}, fault.Gate, "the gate image refuses the image: so it is: mend it"},
		"two refuse":      {[]finding.Gate{gate("image", finding.Failed), gate("leaks", finding.Failed), gate("smoke", finding.Failed)}, fault.Gate, "the gates image, leaks and smoke refuse the image: the report says what to do for each"},
		"one cannot tell": {[]finding.Gate{gate("image", finding.Passed), gate("smoke", finding.Unjudged)}, fault.Unjudged, "the gate smoke could not judge the image: so it is: mend it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := (&pipeline.Checked{Receipt: &receipt.Receipt{Gates: tt.gates}}).Err()
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, tt.want)
			require.Equal(t, tt.kind, fault.KindOf(err))
		})
	}
}
