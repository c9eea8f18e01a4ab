package replay

import (
	"fmt"
	"strings"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plain"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/step"
)

// tooLarge is the finding of an image above its budget.
const tooLarge = "size-budget"

func (r *Record) side() Side {
	if r.Receipt != nil {
		return sideOf(r.Receipt)
	}
	s := Side{Engine: r.Print.Engine, Failure: r.Print.Kind}
	if s.Failure != "" {
		s.What = r.said()
	}
	for _, d := range r.Print.Digests {
		if d != 0 {
			s.Digests = append(s.Digests, fmt.Sprintf("sha256:%016x...", d))
		}
	}
	return s
}

func sideOf(r *receipt.Receipt) Side {
	s := Side{Engine: r.Run.Engine, Version: r.Run.EngineVersion, Host: r.Run.Host}
	if r.Failure != nil {
		s.Failure, s.What = r.Failure.Kind, r.Failure.What
	}
	for _, img := range r.Images {
		if img.Digest != "" {
			s.Digests = append(s.Digests, img.Digest)
		}
	}
	return s
}

func digests(list []string) string {
	switch len(list) {
	case 0:
		return "no image"
	case 1:
		return list[0]
	}
	return step.Count(len(list), "image") + ", " + list[0] + " first"
}

func sameDigest(list []string) string {
	if len(list) == 1 {
		return "same digest " + list[0]
	}
	return fmt.Sprintf("same digests of all %d images", len(list))
}

func engineName(name string) string {
	switch name {
	case "dagger":
		return "Dagger engine"
	case "":
		return "engine"
	}
	return plain.Line(name) + " engine"
}

// sameFailure says what fails in both runs.
func sameFailure(now *receipt.Receipt) string {
	items := failing(now)
	var parts []string
	for _, c := range []struct{ class, one, several string }{
		{classTest, "the same test fails: %s", "the same %d tests fail"},
		{classFlaky, "the same test is flaky: %s", "the same %d tests are flaky"},
		{classPackage, "the tests of the same package fail: %s", "the tests of the same %d packages fail"},
		{classVet, "the same complaint of go vet: %s", "the same %d complaints of go vet"},
		{classError, "the same error of the compiler: %s", "the same %d errors of the compiler"},
		{classFinding, "the same finding fails: %s", "the same %d findings fail"},
		{classGate, "the same gate refuses the image: %s", "the same %d gates refuse the image"},
		{classOpen, "the same gate cannot judge the image: %s", "the same %d gates cannot judge the image"},
		{classReason, "the same reason: %s", "the same %d reasons"},
	} {
		switch list := of(items, c.class); {
		case len(list) == 0:
		case len(list) == 1 && list[0] == tooLarge:
			parts = append(parts, "the image is too large"+size(now))
		case len(list) == 1:
			parts = append(parts, fmt.Sprintf(c.one, list[0]))
		default:
			parts = append(parts, fmt.Sprintf(c.several, len(list)))
		}
	}
	return strings.Join(parts, ", and ")
}

func size(r *receipt.Receipt) string {
	for _, f := range r.Findings {
		if f.ID == tooLarge && f.Status == finding.Fails {
			return ": " + plain.Line(f.What)
		}
	}
	return ""
}

// said says how a recorded run ended. A token knows how many things failed.
func (r *Record) said() string {
	if r.Receipt != nil {
		return said(r.Receipt)
	}
	n := r.Print.Count
	switch r.Print.Kind {
	case "":
		return "it passes with " + digests(r.side().Digests)
	case kindSource:
		return "it does not build"
	case kindTests:
		return "its tests fail (" + step.Count(n, "failure") + ")"
	case kindGate:
		return "gates refuse the image (" + step.Count(n, "failure") + ")"
	}
	return stop(r.Print.Kind)
}

// said says how a run ended.
func said(r *receipt.Receipt) string {
	if r.Failure == nil {
		return "it passes with " + digests(sideOf(r).Digests)
	}
	items := failing(r)
	var parts []string
	for _, c := range []struct{ class, one, several string }{
		{classTest, "1 test fails", "%d tests fail"},
		{classFlaky, "1 test is flaky", "%d tests are flaky"},
		{classPackage, "the tests of 1 package fail", "the tests of %d packages fail"},
		{classVet, "go vet complains", "go vet has %d complaints"},
		{classError, "it does not build", "it does not build"},
		{classFinding, "1 finding fails", "%d findings fail"},
		{classGate, "1 gate refuses the image", "%d gates refuse the image"},
	} {
		switch n := len(of(items, c.class)); {
		case n == 0:
		case n == 1 || !strings.Contains(c.several, "%d"):
			parts = append(parts, c.one)
		default:
			parts = append(parts, fmt.Sprintf(c.several, n))
		}
	}
	if len(parts) == 0 {
		return stop(r.Failure.Kind)
	}
	return strings.Join(parts, " and ")
}

// stop says what ended a run without a verdict.
func stop(kind string) string {
	switch kind {
	case kindUnjudged:
		return "a gate could not judge the image"
	case kindRegistry:
		return "a registry failed"
	case kindEngine:
		return "the engine broke down"
	case interrupted, terminated:
		return "it was interrupted"
	case kindUsage:
		return "it was called wrongly"
	}
	return "Slipway broke down"
}
