package provenance

import (
	"net/url"
	"path"
	"regexp"
	"strings"
)

// Local is the builder of a run that no known CI started: a laptop, or anything else. It
// says nothing of who that is.
const Local = "https://example.com/slipway/builder/local"

// Runner is who runs a build.
type Runner struct {
	// ID names the builder for those who verify: the workflow that ran, or Local.
	ID string
	// Invocation is the page of the run, or empty.
	Invocation string
}

// The forms of GitHub's variables that are believed: they come into a URL.
var (
	workflowForm   = regexp.MustCompile(`^[\w.-]+/[\w.-]+/\.github/workflows/[\w./-]+\.ya?ml@refs/[^\s\x00-\x1f?#@]+$`)
	repositoryForm = regexp.MustCompile(`^[\w.-]+/[\w.-]+$`)
	numberForm     = regexp.MustCompile(`^[0-9]{1,20}$`)
)

// FromEnvironment tells who runs this. On GitHub Actions it is the workflow with its ref,
// as its certificates name it too.
func FromEnvironment(getenv func(string) string) Runner {
	local := Runner{ID: Local}
	server, err := url.Parse(getenv("GITHUB_SERVER_URL"))
	if getenv("GITHUB_ACTIONS") != "true" || err != nil || server.Scheme != "https" || server.Host == "" || server.User != nil {
		return local
	}
	// Where one workflow calls another, the called one is known to its token only.
	workflow := getenv("GITHUB_WORKFLOW_REF")
	if len(workflow) > 1024 || !workflowForm.MatchString(workflow) || strings.Contains(workflow, "..") {
		return local
	}
	r := Runner{ID: "https://" + server.Host + "/" + workflow}
	repository, run, attempt := getenv("GITHUB_REPOSITORY"), getenv("GITHUB_RUN_ID"), getenv("GITHUB_RUN_ATTEMPT")
	if repositoryForm.MatchString(repository) && numberForm.MatchString(run) && numberForm.MatchString(attempt) {
		r.Invocation = "https://" + server.Host + "/" + repository + "/actions/runs/" + run + "/attempts/" + attempt
	}
	return r
}

// scpForm is git's short form of ssh: user@host:path or host:path.
var scpForm = regexp.MustCompile(`^(?:[^/@:\s]+@([A-Za-z0-9.-]+):/?|([A-Za-z0-9.-]{2,}):)([^/\\\s:][^\s:]*)$`)

// Repository is a git remote as a plain URL: without credentials, and the same however
// it was cloned, so ssh becomes https and .git goes. A folder gives "".
func Repository(remote string) string {
	remote = strings.TrimSpace(remote)
	if m := scpForm.FindStringSubmatch(remote); m != nil {
		remote = "https://" + m[1] + m[2] + "/" + m[3]
	}
	u, err := url.Parse(remote)
	if err != nil || u.Hostname() == "" {
		return ""
	}
	plain := url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host), Path: strings.TrimSuffix(path.Clean("/"+u.Path), ".git")}
	switch u.Scheme {
	case "https", "http":
	case "ssh", "git+ssh", "ssh+git", "git":
		plain.Scheme, plain.Host = "https", strings.ToLower(u.Hostname())
	default:
		return ""
	}
	return plain.String()
}
