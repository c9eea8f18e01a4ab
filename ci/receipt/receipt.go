// Package receipt holds what a run did: which images it made, of what plan, and what
// every gate said of them, or what ended it before. Its JSON is the record that other
// forms of report are made from, also later, and that a run is repeated from.
package receipt

import (
	"time"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/inspect"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/step"
)

// Schema names the form of a receipt. It changes when a field changes its meaning or
// goes away, not when one is added.
const Schema = "slipway.receipt/1"

// Receipt is the record of one run. All but Run is the same wherever and whenever the
// same source was judged with the same database.
type Receipt struct {
	// Schema names this form.
	Schema string `json:"schema"`
	// Slipway is the version of the program.
	Slipway string  `json:"slipway"`
	Verdict Verdict `json:"verdict"`
	// Failure is why the run has another exit code than 0.
	Failure *Failure `json:"failure,omitempty"`
	// Source is what was built. A run that did not come to it has none.
	Source *Source `json:"source,omitempty"`
	// Gates are in the order of finding.Gates.
	Gates    []finding.Gate    `json:"gates"`
	Findings []finding.Finding `json:"findings"`
	Images   []Image           `json:"images"`
	Tests    *finding.Tests    `json:"tests,omitempty"`
	Scanner  *Scanner          `json:"scanner,omitempty"`
	// Policy is what findings were held against.
	Policy plan.Policy `json:"policy"`
	// Origins say where each value of the plan came from.
	Origins map[string]string `json:"origins,omitempty"`
	// Notes are sentences that a user should know and that stopped nothing.
	Notes []string `json:"notes,omitempty"`
	Run   Run      `json:"run"`
}

// Verdict is how a run ended.
type Verdict string

// The verdicts.
const (
	Passed Verdict = "passed"
	// Failed does not build, or a gate refused it.
	Failed   Verdict = "failed"
	Unjudged Verdict = "unjudged"
	// Unpublished passed, and a registry did not take all of it.
	Unpublished Verdict = "unpublished"
	// Stopped came to no verdict: something was said wrong, an engine or a registry
	// broke down, or somebody interrupted it.
	Stopped Verdict = "stopped"
)

// Failure is what ended a run.
type Failure struct {
	// Kind is usage, source, tests, gate, unjudged, registry, engine, bug, interrupted or
	// terminated: one for each exit code.
	Kind string `json:"kind"`
	// Exit is the exit code of the built program.
	Exit int `json:"exit"`
	// Step is the name of the step that failed, or empty where none was open.
	Step string `json:"step,omitempty"`
	// What is a clause, Fix what a user can do.
	What string `json:"what"`
	Fix  string `json:"fix,omitempty"`
	// Detail are the lines of the tool that failed.
	Detail []string `json:"detail,omitempty"`
}

// Source is the state of the source folder when it was built.
type Source struct {
	// Commit is the full id of the commit that is checked out, or empty.
	Commit string `json:"commit,omitempty"`
	// Folder is where the source folder lies in the repository, as a slash path: "." for
	// its root.
	Folder string `json:"folder"`
	// Remote is where the repository comes from, or empty.
	Remote string `json:"remote,omitempty"`
	// Dirty are the files of the source set that differ from the commit.
	Dirty []string `json:"dirty,omitempty"`
	// Generated are those that differ because a command before the build wrote them.
	Generated []string `json:"generated,omitempty"`
	// Modules is the hash of the module files, which choose every dependency: each go.mod,
	// go.sum, go.work and go.work.sum.
	Modules string `json:"modules,omitempty"`
}

// Toolchain is a Go release and how it is known to be that one.
type Toolchain struct {
	// Release is for example go1.26.9.
	Release string `json:"release"`
	// From is a module with its version, or an image.
	From string `json:"from"`
	// Sum is the module's checksum, h1:..., or the image's digest.
	Sum string `json:"sum"`
}

// Image is one image of the run: an index, and what is in each of its images.
type Image struct {
	// Name is the short name of the image, that of its first program.
	Name string `json:"name"`
	// Digest is the index's.
	Digest string     `json:"digest"`
	Plan   plan.Image `json:"plan"`
	// PlanHash identifies the plan of each platform.
	PlanHash map[string]string `json:"planHash,omitempty"`
	// Inspection is what was read from the assembled bytes.
	Inspection *inspect.Report `json:"inspection,omitempty"`
	// Growth is counted from Since.
	Growth []inspect.Growth `json:"growth,omitempty"`
	// Since is an image in a registry, or empty for the last one in the output folder.
	Since string `json:"since,omitempty"`
}

// Scanner is what looked for vulnerabilities.
type Scanner struct {
	// Name and Version are the program's.
	Name    string `json:"name"`
	Version string `json:"version"`
	// Database is where its database came from, and Digest what it had there.
	Database string `json:"database"`
	Digest   string `json:"digest"`
	// Updated is when the database was made.
	Updated time.Time `json:"updated"`
	// Reach names the database of calls, or says why nobody knows what is called.
	Reach string `json:"reach"`
}

// Run is what differs from run to run: place, time and means.
type Run struct {
	// Request is what was asked for.
	Request Request `json:"request"`
	// Engine is local or dagger, or empty for a run that came to none.
	Engine string `json:"engine"`
	// EngineVersion is that of the Dagger engine, or of the Go release on this machine.
	EngineVersion string `json:"engineVersion,omitempty"`
	// Toolchain is the Go release that built it, from where the engine has its releases.
	Toolchain *Toolchain `json:"toolchain,omitempty"`
	// Host is the machine's os/arch.
	Host string `json:"host,omitempty"`
	// Replay is what slipway reproduce takes to make this run again anywhere. It is empty
	// where the sources are in no commit.
	Replay string `json:"replay,omitempty"`
	// Smoke says how each image was started.
	Smoke []string `json:"smoke,omitempty"`
	Plan  plan.Run `json:"plan"`
	// Started and Ended are the machine's time, in UTC.
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	// Publications are by image, then by repository.
	Publications []Publication `json:"publications,omitempty"`
	// Steps are in the order of their start.
	Steps []Step `json:"steps"`
}

// Request is what a user asked for, in the words of the command line: with the same
// commit it makes the same run again.
type Request struct {
	// Verb is check or publish.
	Verb string `json:"verb"`
	// Settings are what flags and variables said, by the name of the flag; each value is
	// one use of it. Those that name secrets are left out.
	Settings map[string][]string `json:"settings,omitempty"`
	// Gates are those that were asked to judge, or none for all. Twice asks for the one
	// that builds again.
	Gates []string `json:"gates,omitempty"`
	Twice bool     `json:"twice,omitempty"`
	// Rerun is how often failed tests were run again.
	Rerun int `json:"rerun,omitempty"`
}

// Step is one step of a run.
type Step struct {
	// Name is what the user sees, as build linux/amd64.
	Name string `json:"name"`
	// Outcome is done, cached or failed, or empty for a step that had not ended.
	Outcome string `json:"outcome"`
	// Summary says in a few words what came of it.
	Summary string `json:"summary,omitempty"`
	// After is when it began and Took how long it took, in milliseconds.
	After int64 `json:"after"`
	Took  int64 `json:"took"`
	// Commands are the tools that it ran.
	Commands []step.Command `json:"commands,omitempty"`
	// Log are the last lines that tools printed, where the step did not succeed.
	Log []string `json:"log,omitempty"`
}

// Gate returns the gate of that name.
func (r *Receipt) Gate(name string) (finding.Gate, bool) {
	for _, g := range r.Gates {
		if g.Name == name {
			return g, true
		}
	}
	return finding.Gate{}, false
}
