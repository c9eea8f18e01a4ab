package registry

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRetryAfter_ReadsSecondsAndDates(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"0": 0, "30": 30 * time.Second, " 7 ": 7 * time.Second, "99999999": longestAfter, "-1": 0, "1.5": 0, "": 0, "soon": 0,
		"Mon, 23 Nov 2026 12:01:00 GMT": time.Minute, "Mon, 23 Nov 2026 11:00:00 GMT": 0, "Mon, 23 Nov 2099 11:00:00 GMT": longestAfter,
		"18446744073709551616": 0,
	} {
		require.Equal(t, want, retryAfter(value, now), value)
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"1", "Mon, 23 Nov 2026 12:01:00 GMT", "Monday, 23-Nov-26 12:01:00 GMT", "-5", "9e9", "4294967296"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		d := retryAfter(value, time.Unix(1700000000, 0))
		require.GreaterOrEqual(t, d, time.Duration(0))
		require.LessOrEqual(t, d, longestAfter)
	})
}

// FuzzLocation holds that an upload stays at its registry or goes to a public one
// over TLS.
func FuzzLocation(f *testing.F) {
	for _, seed := range []string{"/v2/a/blobs/uploads/1?x=y", "https://cdn.example.com/x", "http://cdn.example.com", "file:///etc/passwd",
		"//169.254.169.254/", "https://2130706433/", "https://0x7f.1/", "https://[::ffff:127.0.0.1]/", "https://u:p@registry.example.com/", "https://localhost./"} {
		f.Add(seed)
	}
	from, err := url.Parse("https://registry.example.com/v2/a/blobs/uploads/")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, text string) {
		to, err := location(&answer{url: from, header: http.Header{"Location": {text}}})
		if err != nil {
			return
		}
		require.Equal(t, "https", to.Scheme)
		require.Nil(t, to.User)
		require.NotEqual(t, "localhost", strings.ToLower(strings.TrimSuffix(to.Hostname(), ".")))
		if a, err := netip.ParseAddr(to.Hostname()); err == nil {
			a = a.Unmap()
			require.False(t, a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsUnspecified(), to.Host)
		}
	})
}

func FuzzTags(f *testing.F) {
	f.Add([]byte(`{"name":"a","tags":["v1","latest",""]}`), `</v2/a/tags/list?last=x>; rel="next"`)
	f.Add([]byte(`{"tags":null}`), `<https://elsewhere.example.com/>; rel=next`)
	at, err := url.Parse("https://registry.example.com/v2/a/tags/list?n=1000")
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body []byte, link string) {
		tags, err := tagsOf(body)
		if err == nil {
			for _, tag := range tags {
				require.Regexp(t, isTag, tag)
			}
		}
		next, err := nextPage(at, http.Header{"Link": {link}})
		if err == nil && next != nil {
			require.Equal(t, at.Host, next.Host)
			require.Equal(t, at.Scheme, next.Scheme)
		}
	})
}

func FuzzRangeEnd(f *testing.F) {
	for _, seed := range []string{"0-0", "0-99", "bytes=0-5", "5-9", "0-99999999999999999999", "0--1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if n, ok := rangeEnd(value); ok {
			require.GreaterOrEqual(t, n, int64(0))
		}
	})
}
