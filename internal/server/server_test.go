package server_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/slipway/internal/server"
)

// get sends one request to the handler of a server with these options.
func get(t *testing.T, o server.Options, target string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	server.New(o).Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
	return w
}

// clock returns a clock that starts at a summer's noon and steps forward at each look.
func clock(step time.Duration) func() time.Time {
	next := time.Date(2026, time.July, 1, 12, 0, 0, 0, time.UTC)
	return func() time.Time {
		now := next
		next = next.Add(step)
		return now
	}
}

// failure reads the JSON error of an answer.
func failure(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	var body map[string]string
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
	require.Len(t, body, 1)
	return body["error"]
}

func TestHandler_RoutesByMethodAndPath(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, method, path string
		status             int
	}{
		{"version", "GET", "/version", 200},
		{"liveness", "GET", "/healthz", 200},
		{"readiness", "GET", "/readyz", 200},
		{"time", "GET", "/time", 200},
		{"head is get without a body", "HEAD", "/healthz", 200},
		{"post to version", "POST", "/version", 405},
		{"put to liveness", "PUT", "/healthz", 405},
		{"delete to readiness", "DELETE", "/readyz", 405},
		{"post to time", "POST", "/time", 405},
		{"post to fetch", "POST", "/fetch", 405},
		{"root", "GET", "/", 404},
		{"below an endpoint", "GET", "/version/x", 404},
	}
	handler := server.New(server.Options{}).Handler()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), test.method, test.path, nil))
			require.Equal(t, test.status, w.Code)
			if test.status == http.StatusMethodNotAllowed {
				require.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
			}
		})
	}
}

func TestVersion_NamesTheBuild(t *testing.T) {
	t.Parallel()
	w := get(t, server.Options{Build: server.Build{Version: "v1.2.3", Commit: "0123abc"}}, "/version")
	require.Equal(t, "application/json", w.Header().Get("Content-Type"))
	require.JSONEq(t, `{"version":"v1.2.3","commit":"0123abc","go":"`+runtime.Version()+`"}`, w.Body.String())
}

func TestTime_TellsTheTimeInAZone(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, query, want string }{
		{"utc by default", "", `{"time":"2026-07-01T12:00:00Z","zone":"UTC","abbreviation":"UTC","offset":"+00:00"}`},
		{"empty is utc", "?tz=", `{"time":"2026-07-01T12:00:00Z","zone":"UTC","abbreviation":"UTC","offset":"+00:00"}`},
		{"east", "?tz=Asia/Jakarta", `{"time":"2026-07-01T19:00:00+07:00","zone":"Asia/Jakarta","abbreviation":"WIB","offset":"+07:00"}`},
		{"west with a half hour and summer time", "?tz=America/St_Johns", `{"time":"2026-07-01T09:30:00-02:30","zone":"America/St_Johns","abbreviation":"NDT","offset":"-02:30"}`},
		{"three parts", "?tz=America/Argentina/Buenos_Aires", `{"time":"2026-07-01T09:00:00-03:00","zone":"America/Argentina/Buenos_Aires","abbreviation":"-03","offset":"-03:00"}`},
		{"sign in the name", "?tz=Etc/GMT%2B5", `{"time":"2026-07-01T07:00:00-05:00","zone":"Etc/GMT+5","abbreviation":"-05","offset":"-05:00"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := get(t, server.Options{Now: clock(0)}, "/time"+test.query)
			require.Equal(t, http.StatusOK, w.Code, w.Body)
			require.JSONEq(t, test.want, w.Body.String())
		})
	}
}

func TestTime_RefusesWhatIsNoZone(t *testing.T) {
	t.Parallel()
	for name, zone := range map[string]string{
		"unknown":           "Asia/Atlantis",
		"this machine's":    "Local",
		"upwards":           "../../etc/passwd",
		"upwards inside":    "Asia/../../../etc/passwd",
		"absolute":          "/etc/localtime",
		"backslash":         `..\..\windows`,
		"a folder":          "America",
		"a folder, slashed": "America/",
		"a table":           "zone.tab",
		"zero byte":         "UTC\x00",
		"line break":        "UTC\n",
		"long":              strings.Repeat("A", 4096),
		"deep":              strings.Repeat("A/", 100) + "A",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := get(t, server.Options{}, "/time?tz="+url.QueryEscape(zone))
			require.Equal(t, http.StatusBadRequest, w.Code)
			require.Contains(t, failure(t, w), "zone")
		})
	}
}

func TestTime_RefusesAMalformedQuery(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"tz=%zz", "tz=UTC;x=1"} {
		w := get(t, server.Options{}, "/time?"+query)
		require.Equal(t, http.StatusBadRequest, w.Code)
		require.Equal(t, "the query is malformed", failure(t, w))
	}
}

func TestLog_HasOneRecordPerRequestWithoutTheQuery(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	o := server.Options{Log: slog.New(slog.NewJSONHandler(&out, nil)), Now: clock(1500 * time.Microsecond)}
	w := get(t, o, "/fetch?url=https://example.com/?token=s3cret")
	require.Equal(t, http.StatusForbidden, w.Code)

	require.Equal(t, 1, bytes.Count(out.Bytes(), []byte("\n")))
	require.NotContains(t, out.String(), "s3cret")
	var record map[string]any
	require.NoError(t, json.Unmarshal(out.Bytes(), &record))
	delete(record, "time")
	require.Equal(t, map[string]any{
		"level": "INFO", "msg": "request", "method": "GET", "path": "/fetch",
		"status": 403.0, "duration_ms": 1.5, "bytes": float64(w.Body.Len()),
	}, record)
}

func FuzzTime_AnswersOrRefuses(f *testing.F) {
	for _, zone := range []string{"", "UTC", "Asia/Jakarta", "Local", "../x", "Etc/GMT+5"} {
		f.Add(zone)
	}
	handler := server.New(server.Options{}).Handler()
	f.Fuzz(func(t *testing.T, zone string) {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/time?tz="+url.QueryEscape(zone), nil))
		require.Contains(t, []int{http.StatusOK, http.StatusBadRequest}, w.Code)
		require.True(t, json.Valid(w.Body.Bytes()))
	})
}
