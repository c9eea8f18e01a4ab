package replay_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/replay"
)

type change = func(*receipt.Receipt)

var (
	cve     = finding.Finding{ID: "CVE-2026-78667", Severity: finding.High, Package: &finding.Package{Name: "golang.org/x/net", Installed: "v0.1.0"}}
	large   = finding.Finding{ID: "size-budget", Image: "tide", What: "it has 16 MB compressed, 1 MB more than its budget of 15 MB"}
	gone    = fails("engine", "build linux/amd64", "the Dagger engine went away")
	noDB    = fails("unjudged", "", "the gate vulnerabilities could not judge the image: no database")
	compile = fails("source", "build linux/amd64", "the source does not build for linux/amd64", "# example.com/tide", "./main.go:4:2: undefined: x")
)

func TestCompare_NamesTheSameFailure(t *testing.T) {
	t.Parallel()
	vet := func(r *receipt.Receipt) {
		tests("TestWave=pass")(r)
		r.Tests.Vet = []string{r.Run.Plan.Source + "/main.go:9:2: unreachable code"}
	}
	panics := func(r *receipt.Receipt) {
		tests("TestWave=pass")(r)
		r.Tests.Packages[0].Outcome, r.Tests.Packages[0].Output = "fail", []string{"panic: boom"}
	}
	for name, c := range map[string]struct {
		ends    change
		summary string
	}{
		"passes":      {func(*receipt.Receipt) {}, "same digest " + digest("1a")},
		"one test":    {tests("TestWave=fail", "TestEbb=pass"), "the same test fails: example.com/tide.TestWave"},
		"two tests":   {tests("TestWave=fail", "TestEbb=fail"), "the same 2 tests fail"},
		"subtest":     {tests("TestWave=fail", "TestWave/low=fail"), "the same test fails: example.com/tide.TestWave/low"},
		"flaky":       {tests("TestWave=flaky"), "the same test is flaky: example.com/tide.TestWave"},
		"panic":       {panics, "the tests of the same package fail: example.com/tide"},
		"vet":         {vet, "the same complaint of go vet: main.go:9:2: unreachable code"},
		"compiler":    {compile, "the same error of the compiler: main.go:4:2: undefined: x"},
		"finding":     {refuses("vulnerabilities", cve), "the same finding fails: CVE-2026-78667 in golang.org/x/net"},
		"size":        {refuses("image", large), "the image is too large: it has 16 MB compressed, 1 MB more than its budget of 15 MB"},
		"gate":        {refuses("reproducible"), "the same gate refuses the image: reproducible"},
		"engine":      {gone, "the engine breaks down here too: the Dagger engine went away"},
		"interrupted": {fails("interrupted", "test", "stopped by interrupt"), "it was interrupted here too"},
		"unjudged": {func(r *receipt.Receipt) {
			noDB(r)
			refused(r, "vulnerabilities", finding.Unjudged)
		}, "the same gate cannot judge the image: vulnerabilities"},
		"several gates": {func(r *receipt.Receipt) {
			tests("TestWave=fail")(r)
			refuses("image", large)(r)
		}, "the same test fails: example.com/tide.TestWave, and the image is too large: it has 16 MB compressed, 1 MB more than its budget of 15 MB"},
	} {
		then, now := passed(c.ends), passed(here, c.ends)
		for from, rec := range map[string]*replay.Record{"receipt": record(t, then), "token": fromToken(t, then)} {
			r := replay.Compare(rec, now)
			require.Equal(t, replay.Reproduced, r.Outcome, "%s from its %s", name, from)
			require.Equal(t, c.summary, r.Summary, "%s from its %s", name, from)
			require.Empty(t, r.Differences, "%s from its %s: another engine is none", name, from)
			require.NoError(t, r.Err())
		}
	}
}

func TestCompare_SaysWhatIsOtherwise(t *testing.T) {
	t.Parallel()
	none := func(*receipt.Receipt) {}
	other := func(r *receipt.Receipt) { r.Images[0].Digest = digest("2b") }
	engineless := func(r *receipt.Receipt) {
		fails("engine", "", "there is no Dagger engine")(r)
		r.Run.Toolchain, r.Images[0].Digest = nil, ""
	}
	for name, c := range map[string]struct {
		then, now    change
		outcome      replay.Outcome
		receipt      string
		token        string
		there, again []string
	}{
		"passes here": {
			tests("TestWave=fail", "TestEbb=fail"), none, replay.Otherwise,
			"there 2 tests fail, here it passes with " + digest("1a"), "there its tests fail (2 failures), here it passes with " + digest("1a"), nil, nil,
		},
		"fails here": {
			none, compile, replay.Otherwise,
			"there it passes with " + digest("1a") + ", here it does not build", "there it passes with sha256:1a1a1a1a1a1a1a1a..., here it does not build", nil, nil,
		},
		"another test": {
			tests("TestWave=fail", "TestEbb=fail"), tests("TestEbb=fail", "TestLow=flaky"), replay.Otherwise,
			"there 2 tests fail, here 1 test fails and 1 test is flaky", "there its tests fail (2 failures), here 1 test fails and 1 test is flaky",
			[]string{"example.com/tide.TestWave"}, []string{"example.com/tide.TestLow"},
		},
		"another digest": {
			none, other, replay.Otherwise,
			"there it passes with " + digest("1a") + ", here it passes with " + digest("2b"), "there it passes with sha256:1a1a1a1a1a1a1a1a..., here it passes with " + digest("2b"), nil, nil,
		},
		"flaky that passes": {
			tests("TestWave=flaky"), none, replay.Otherwise,
			"there 1 test is flaky, here it passes with " + digest("1a"), "there its tests fail (one failure), here it passes with " + digest("1a"), nil, nil,
		},
		"the engine broke": {
			gone, none, replay.ButEngine,
			"it broke down there: the Dagger engine went away; here the same source gives " + digest("1a") + " on the local engine, so it was not the source",
			"it broke down there; here the same source gives " + digest("1a") + " on the local engine, so it was not the source", nil, nil,
		},
		"the engine broke and tests fail": {
			gone, tests("TestWave=fail"), replay.Otherwise,
			"the Dagger engine broke down there: the Dagger engine went away; here the same source comes to a verdict on the local engine: 1 test fails",
			"the Dagger engine broke down there; here the same source comes to a verdict on the local engine: 1 test fails", nil, nil,
		},
		"interrupted": {
			fails("terminated", "test", "stopped by terminated"), none, replay.Otherwise,
			"the run was interrupted there; here the same source gives " + digest("1a") + " on the local engine", "", nil, nil,
		},
		"the registry refused": {
			fails("registry", "push", "ghcr.io refuses the layer"), none, replay.Reproduced,
			"same digest " + digest("1a") + ", which a registry did not take there: ghcr.io refuses the layer", "same digest " + digest("1a") + ", which a registry did not take there", nil, nil,
		},
		"the registry refused another image": {
			fails("registry", "push", "ghcr.io refuses the layer"), other, replay.Otherwise,
			digest("1a") + " there, " + digest("2b") + " here", "sha256:1a1a1a1a1a1a1a1a... there, " + digest("2b") + " here", nil, nil,
		},
		"the registry refused before anything was built": {
			func(r *receipt.Receipt) {
				fails("registry", "preflight", "ghcr.io refuses to let anybody push")(r)
				r.Images[0].Digest = ""
			}, none, replay.ButRegistry,
			"it ended the run there before anything was built: ghcr.io refuses to let anybody push; here the same source gives " + digest("1a") + " on the local engine, so it was not the source",
			"it ended the run there before anything was built; here the same source gives " + digest("1a") + " on the local engine, so it was not the source", nil, nil,
		},
		"the registry refused before anything was built, and tests fail": {
			func(r *receipt.Receipt) {
				fails("registry", "preflight", "ghcr.io refuses to let anybody push")(r)
				r.Images[0].Digest = ""
			}, tests("TestWave=fail"), replay.Otherwise,
			"there a registry failed, here 1 test fails", "",
			nil, []string{"example.com/tide.TestWave"},
		},
		"no engine here":        {tests("TestWave=fail"), engineless, replay.NotRun, "there is no Dagger engine", "", nil, nil},
		"no engine here either": {gone, engineless, replay.NotRun, "there is no Dagger engine", "", nil, nil},
		"no database here":      {none, noDB, replay.NotRun, "the gate vulnerabilities could not judge the image: no database", "", nil, nil},
		"called wrongly here":   {fails("usage", "", "no vex.json"), fails("usage", "", "no flag"), replay.NotRun, "no flag", "", nil, nil},
	} {
		then, now := passed(c.then), passed(here, c.now)
		r := replay.Compare(record(t, then), now)
		require.Equal(t, c.outcome, r.Outcome, name)
		require.Equal(t, c.receipt, r.Summary, name)
		if c.there != nil {
			require.Equal(t, c.there, r.OnlyThere, name)
			require.Equal(t, c.again, r.OnlyHere, name)
		}
		require.Equal(t, c.outcome == replay.Otherwise, fault.KindOf(r.Err()) == fault.Gate, name)
		r = replay.Compare(fromToken(t, then), now)
		require.Equal(t, c.outcome, r.Outcome, name)
		if c.token == "" {
			c.token = c.receipt
		}
		require.Equal(t, c.token, r.Summary, name)
	}
}

// Each input that differs is named, and nothing else.
func TestCompare_NamesTheInputThatDiffers(t *testing.T) {
	t.Parallel()
	for input, c := range map[string]struct {
		now         change
		there, here string
		// token is what a token knows of there, or - where it does not tell the input.
		token string
	}{
		"Go release": {func(r *receipt.Receipt) { r.Run.Toolchain.Release = "go1.26.10" }, "go1.26.9", "go1.26.10", "go1.26.9"},
		"Go sum of golang.org/toolchain@v0.0.1-go1.26.9.linux-amd64": {func(r *receipt.Receipt) {
			r.Run.Toolchain = &receipt.Toolchain{Release: "go1.26.9", From: "golang.org/toolchain@v0.0.1-go1.26.9.linux-amd64", Sum: "h1:patched"}
		}, "h1:one", "h1:patched", "-"},
		"Slipway": {func(r *receipt.Receipt) { r.Slipway = "v2.0.0" }, "v1.0.0", "v2.0.0", ""},
		"builder": {func(r *receipt.Receipt) { r.Images[0].Plan.Builder.Digest = digest("9a") }, "docker.io/library/golang:1.26.9@" + digest("0a"), "docker.io/library/golang:1.26.9@" + digest("9a"), ""},
		"base":    {func(r *receipt.Receipt) { r.Images[0].Plan.Base.Digest = digest("9b") }, "gcr.io/distroless/static-debian12:nonroot@" + digest("0b"), "gcr.io/distroless/static-debian12:nonroot@" + digest("9b"), ""},
		"base, said in a flag": {func(r *receipt.Receipt) {
			r.Images[0].Plan.Base.Digest = digest("9b")
			r.Run.Request.Settings = map[string][]string{"platform": {"linux/amd64"}, "base": {"gcr.io/distroless/static-debian12:nonroot@" + digest("9b")}}
		}, "gcr.io/distroless/static-debian12:nonroot@" + digest("0b"), "gcr.io/distroless/static-debian12:nonroot@" + digest("9b"), ""},
		"modules": {func(r *receipt.Receipt) { r.Source.Modules = digest("9d") }, digest("0d"), digest("9d"), ""},
		"database": {func(r *receipt.Receipt) {
			r.Scanner.Digest, r.Scanner.Updated = digest("9e"), r.Scanner.Updated.Add(75*time.Hour)
		}, "mirror.gcr.io/aquasec/trivy-db@" + digest("0e") + " of 2026-11-20", "mirror.gcr.io/aquasec/trivy-db@" + digest("9e") + " of 2026-11-23", ""},
		"scanner":                 {func(r *receipt.Receipt) { r.Scanner.Version = "0.75.0" }, "Trivy 0.74.0", "Trivy 0.75.0", "-"},
		"calls":                   {func(r *receipt.Receipt) { r.Scanner.Reach = "nobody knows" }, "https://vuln.go.dev", "nobody knows", "-"},
		"race detector":           {func(r *receipt.Receipt) { r.Tests.Race = false }, "yes", "no", "-"},
		"sources for linux/amd64": {func(r *receipt.Receipt) { r.Images[0].Plan.Sources["linux/amd64"] = digest("9c") }, digest("0c"), digest("9c"), "-"},
		"plan.epoch":              {func(r *receipt.Receipt) { r.Images[0].Plan.Epoch = 7 }, "1795846513", "7", "-"},
		"plan.certs":              {func(r *receipt.Receipt) { r.Images[0].Plan.Certs = true }, "", "true", "-"},
		"--budget": {func(r *receipt.Receipt) {
			r.Run.Request.Settings = map[string][]string{"platform": {"linux/amd64"}, "budget": {"1MB"}, "engine": {"local"}}
		}, "", "1MB", ""},
		"$GOAMD64": {func(r *receipt.Receipt) {
			r.Run.Steps[0].Commands[0].Env = []string{"GOFLAGS=-mod=readonly", "GOAMD64=v3"}
		}, "v1", "v3", "-"},
	} {
		then, now := passed(tests("TestWave=fail")), passed(here, tests("TestWave=fail"), c.now)
		r := replay.Compare(record(t, then), now)
		require.Equal(t, replay.Reproduced, r.Outcome, input)
		require.Len(t, r.Differences, 1, input)
		d := r.Differences[0]
		input, _, _ = strings.Cut(input, ",")
		require.Equal(t, []string{input, c.there, c.here}, []string{d.Input, d.There, d.Here})
		if input == "database" {
			require.Equal(t, "newer here, by 3 days", d.Note)
		}
		r = replay.Compare(fromToken(t, then), now)
		if c.token == "-" {
			require.Empty(t, r.Differences, input)
			continue
		}
		require.Len(t, r.Differences, 1, input)
		require.Equal(t, []string{input, c.token, c.here}, []string{r.Differences[0].Input, r.Differences[0].There, r.Differences[0].Here})
	}
}

func TestText_IsPleasantToRead(t *testing.T) {
	t.Parallel()
	newer := func(r *receipt.Receipt) {
		r.Scanner.Digest, r.Scanner.Updated = digest("9e"), r.Scanner.Updated.Add(75*time.Hour)
		r.Run.Toolchain.Release = "go1.26.10"
	}
	hostile := func(r *receipt.Receipt) {
		tests("TestWave=fail", "TestEbb\x1b[31m\n::error::owned=fail")(r)
		r.Run.Engine = "dagger\n##[error]owned"
		r.Failure.What = "the gate tests fails\r\n::set-output name=x::y"
		r.Slipway = "\x1b]0;title\x07v9"
		r.Images[0].Plan.Base = plan.Pin{Name: "::warning::owned"}
	}
	for name, r := range map[string]*replay.Result{
		"same":     replay.Compare(record(t, passed(tests("TestWave=fail", "TestEbb=fail"))), passed(here, tests("TestWave=fail", "TestEbb=fail"))),
		"although": replay.Compare(record(t, passed(refuses("vulnerabilities", cve))), passed(here, newer, refuses("vulnerabilities", cve))),
		"token":    replay.Compare(fromToken(t, passed(tests("TestWave=fail", "TestEbb=fail"))), passed(here, newer, tests("TestWave=fail"))),
		"other":    replay.Compare(record(t, passed(tests("TestWave=fail", "TestEbb=fail"))), passed(here, tests("TestWave=fail", "TestLow=flaky"))),
		"engine":   replay.Compare(record(t, passed(gone)), passed(here)),
		"registry": replay.Compare(record(t, passed(fails("registry", "push", "ghcr.io refuses the layer"))), passed(here)),
		"hostile":  replay.Compare(record(t, passed(hostile)), passed(here)),
		"not-run":  replay.Compare(record(t, passed()), passed(here, noDB)),
	} {
		for _, width := range []int{0, 60} {
			var b bytes.Buffer
			require.NoError(t, r.Text(&b, replay.TextOptions{Width: width}))
			file := name + ".golden"
			if width > 0 {
				file = name + ".narrow.golden"
			}
			golden := filepath.Join("testdata", file)
			if *update {
				require.NoError(t, os.WriteFile(golden, b.Bytes(), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), b.String())
		}
	}
}
