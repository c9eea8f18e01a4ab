package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"example.com/slipway/ci/ask"
)

// maxPages bounds how often a list goes on. With 1000 tags on a page that is more
// than anybody releases.
const maxPages = 100

// isTag is the grammar of a tag.
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests
var isTag = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)

// Tags lists the tags of the repository in order. A repository that does not exist
// has none.
func (r *Repository) Tags(ctx context.Context) ([]string, error) {
	first := r.path("tags", "list")
	first.RawQuery = "n=1000"
	var tags []string
	err := r.pages(ctx, call{
		method: http.MethodGet, url: first, want: []int{http.StatusOK, http.StatusNotFound},
	}, func(a *answer) error {
		page, err := tagsOf(a.body)
		tags = append(tags, page...)
		return err
	})
	if err = r.explain(ctx, "listing the tags of "+r.String(), err); err != nil {
		return nil, err
	}
	slices.Sort(tags)
	return slices.Compact(tags), nil
}

// tagsOf reads one page. What is no tag cannot be one of ours and is left out.
func tagsOf(body []byte) ([]string, error) {
	var page struct {
		Tags []string `json:"tags"`
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, &unusableError{"its list of tags", err}
	}
	return slices.DeleteFunc(page.Tags, func(tag string) bool { return !isTag.MatchString(tag) }), nil
}

// unusableError is an answer that is not what the distribution API says.
type unusableError struct {
	what string
	err  error
}

func (e *unusableError) Error() string { return fmt.Sprintf("reading %s: %v", e.what, e.err) }
func (e *unusableError) Unwrap() error { return e.err }

// pages reads a list page by page, as long as there is one.
func (r *Repository) pages(ctx context.Context, c call, read func(*answer) error) error {
	p, seen := r.patience(), map[string]bool{}
	for range maxPages {
		var a *answer
		err := p.persist(ctx, func(ctx context.Context) (err error) { a, err = r.once(ctx, c); return err })
		if err != nil || a.status != http.StatusOK {
			return err
		}
		if err := read(a); err != nil {
			return err
		}
		next, err := nextPage(c.url, a.header)
		if err != nil || next == nil || seen[next.String()] {
			return err
		}
		seen[next.String()] = true
		c.url = next
		p.progress()
	}
	return &unusableError{"a list", fmt.Errorf("it has more than %d pages", maxPages)}
}

// nextPage returns where a list goes on, or nil. It stays at the same registry.
// https://www.rfc-editor.org/rfc/rfc8288
func nextPage(at *url.URL, header http.Header) (*url.URL, error) {
	for _, link := range header.Values("Link") {
		target, params, ok := strings.Cut(strings.TrimSpace(link), ">")
		target, isRef := strings.CutPrefix(target, "<")
		if !ok || !isRef || !strings.Contains(strings.ReplaceAll(params, `"`, ""), "rel=next") {
			continue
		}
		u, err := url.Parse(target)
		if err != nil {
			return nil, &unusableError{"where a list goes on", err}
		}
		next := at.ResolveReference(u)
		if next.Host != at.Host {
			return nil, &ask.RedirectError{What: fmt.Sprintf("continues a list at %s", next.Hostname())}
		}
		next.Scheme = at.Scheme
		return next, nil
	}
	return nil, nil
}
