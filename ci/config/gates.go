package config

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"example.com/slipway/ci/pins"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/source"
)

var (
	healthForm     = regexp.MustCompile(`^/(?:[!"$-.0-~][!"$-~]*)?$`)
	repositoryForm = regexp.MustCompile(`^[a-zA-Z0-9.-]+(?::[0-9]{1,5})?(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)+(?::\w[\w.-]{0,127})?$`)
)

const (
	// maxVEX bounds how many VEX documents a source can name.
	maxVEX = 100
	// maxPath bounds the path that a program is asked for, in bytes.
	maxPath = 1024
)

// policy is what findings are held against. A source says it of itself: who may change
// it is for the review of the source to decide.
func (p *Plan) policy(in Input) error {
	s := in.Said
	pol := &p.Run.Policy
	for _, k := range []struct {
		name, said, standard string
		field                *string
		allowed              []string
	}{
		{"severity", s.Severity, defaultSeverity, &pol.Severity, []string{"critical", "high", "medium", "low"}},
		{"unknown", s.Unknown, defaultUnknown, &pol.Unknown, []string{"fail", "note"}},
		{"unfixed", s.Unfixed, defaultUnfixed, &pol.Unfixed, []string{"fail", "note"}},
		{"reach", s.Reach, defaultReach, &pol.Reach, []string{"all", "called"}},
		{"flaky", s.Flaky, defaultFlaky, &pol.Flaky, []string{"fail", "note"}},
	} {
		*k.field = cmp.Or(strings.ToLower(k.said), k.standard)
		p.origin(k.name, "default")
		if !slices.Contains(k.allowed, *k.field) {
			last := len(k.allowed) - 1
			return p.wrong(k.name, k.said, strings.Join(k.allowed[:last], ", ")+" or "+k.allowed[last])
		}
	}
	pol.Exceptions, pol.Product = s.Exceptions, product(p.Image)
	return p.vex(in)
}

func (p *Plan) vex(in Input) error {
	if len(in.Said.VEX) > maxVEX {
		return p.wrong("vex", fmt.Sprint(len(in.Said.VEX), " documents"), fmt.Sprint("at most ", maxVEX))
	}
	for _, said := range in.Said.VEX {
		local := filepath.FromSlash(said)
		if !filepath.IsLocal(local) {
			return p.wrong("vex", said, "a file inside the source folder")
		}
		f, err := source.Open(filepath.Join(in.Project.Root, local), in.Project.Root)
		if err != nil {
			return p.wrong("vex", said, "a regular file that is there, inside the source folder")
		}
		f.Close()
		p.Run.Policy.VEX = append(p.Run.Policy.VEX, path.Clean(filepath.ToSlash(local)))
	}
	return nil
}

// product is the package URL of an image's main module.
func product(img plan.Image) string {
	purl := "pkg:golang/" + strings.ReplaceAll(url.PathEscape(img.Module), "%2F", "/")
	if img.Version != "" {
		purl += "@" + url.QueryEscape(img.Version)
	}
	return purl
}

// scan is for whoever runs Slipway to say: a source does not choose its judge.
func (p *Plan) scan(in Input) error {
	s := in.Said
	scan := &p.Run.Scan
	var err error
	if scan.Scanner, err = pins.Scanner(); err != nil {
		return err
	}
	if s.Scanner != "" {
		if scan.Scanner, err = plan.ParsePin(s.Scanner); err != nil {
			return p.wrongErr("scanner", err)
		}
	}
	p.origin("scanner", pins.Embedded)
	if scan.Databases = s.TrivyDB; len(s.TrivyDB) == 0 {
		scan.Databases = defaultDatabases()
	}
	p.origin("trivy-db", "default")
	for _, repository := range scan.Databases {
		if !repositoryForm.MatchString(repository) || len(repository) > 255 {
			return p.wrong("trivy-db", repository, "a repository with its registry, such as ghcr.io/aquasecurity/trivy-db")
		}
	}
	text := cmp.Or(s.TrivyDBAge, defaultDatabaseAge)
	p.origin("trivy-db-age", "default")
	age, err := time.ParseDuration(text)
	if err != nil || age < time.Hour || age%time.Hour != 0 {
		return p.wrong("trivy-db-age", text, "whole hours, such as 72h")
	}
	scan.DatabaseAge = int(age / time.Hour)
	return p.vulnDB(in)
}

func (p *Plan) vulnDB(in Input) error {
	text := cmp.Or(in.Said.VulnDB, defaultVulnDB)
	p.origin("vulndb", "default")
	const want = "an https URL, or a folder that is there"
	if strings.HasPrefix(text, "https://") {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return p.wrong("vulndb", text, want+"; a URL has neither user nor query")
		}
		p.Run.Scan.VulnDB = strings.TrimSuffix(text, "/")
		return nil
	}
	local, isURL := strings.CutPrefix(text, "file://")
	dir := filepath.FromSlash(local)
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(in.Dir, dir)
	}
	// A file URL that does not begin with a slash names another machine.
	if info, err := os.Stat(dir); isURL && !strings.HasPrefix(local, "/") || err != nil || !info.IsDir() {
		return p.wrong("vulndb", text, want)
	}
	p.Run.Scan.VulnDB = filepath.Clean(dir)
	return nil
}

// smoke is how the image is tried.
func (p *Plan) smoke(in Input) error {
	s := in.Said
	smoke := &p.Run.Smoke
	if origin, said := s.Origins["smoke"]; said && !s.Smoke {
		smoke.Off = string(origin)
	}
	p.origin("smoke", "default")
	if smoke.Health = s.Health; s.Health != "" && (!healthForm.MatchString(s.Health) || len(s.Health) > maxPath) {
		return p.wrong("health", s.Health, "a path, such as /healthz")
	}
	for _, name := range slices.Sorted(maps.Keys(s.SmokeEnv)) {
		if !envForm.MatchString(name) || strings.ContainsRune(s.SmokeEnv[name], 0) {
			return p.wrong("smoke-env", name, "letters, digits and underscores")
		}
		smoke.Env = append(smoke.Env, name+"="+s.SmokeEnv[name])
	}
	for _, arg := range s.SmokeArgs {
		if strings.ContainsRune(arg, 0) {
			return p.wrong("smoke-args", arg, "text without a zero byte")
		}
	}
	smoke.Args = s.SmokeArgs
	return nil
}

// gateValues are the values of the keys above, as text.
func (p *Plan) gateValues() map[string]string {
	pol, scan, smoke := p.Run.Policy, p.Run.Scan, p.Run.Smoke
	return map[string]string{
		"severity": pol.Severity, "unknown": pol.Unknown, "unfixed": pol.Unfixed, "reach": pol.Reach,
		"flaky":      pol.Flaky,
		"vex":        strings.Join(pol.VEX, ","),
		"exceptions": list(pol.Exceptions, func(e plan.Exception) string { return e.ID + " until " + e.Expires }),
		"health":     smoke.Health, "smoke": fmt.Sprint(smoke.Off == ""),
		"smoke-env": strings.Join(smoke.Env, ","), "smoke-args": strings.Join(smoke.Args, " "),
		"scanner": scan.Scanner.String(), "trivy-db": strings.Join(scan.Databases, ","),
		"trivy-db-age": fmt.Sprintf("%dh", scan.DatabaseAge), "vulndb": scan.VulnDB,
	}
}
