package e2e_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"

	"example.com/slipway/ci/e2e/rig"
)

// once lets a fault happen to the first n requests of a kind.
func once(kind rig.Kind, n int32, fault func(http.ResponseWriter, *http.Request, http.Handler)) rig.Around {
	var seen atomic.Int32
	return func(w http.ResponseWriter, r *http.Request, what rig.Request, next http.Handler) {
		if what.Kind != kind || seen.Add(1) > n {
			next.ServeHTTP(w, r)
			return
		}
		fault(w, r, next)
	}
}

func answer(status int, header ...string) func(http.ResponseWriter, *http.Request, http.Handler) {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte("<html>the gateway is tired</html>"))
	}
}

// reset breaks the connection before the registry hears of the request.
func reset(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }

// lost breaks it when the registry has done what it was asked for.
func lost(_ http.ResponseWriter, r *http.Request, next http.Handler) {
	next.ServeHTTP(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

// What passes does not stop the program: it comes to its end by itself, on the clock of
// this machine, and every tag is complete. Each fault is met at one of two registries; the
// whole table is in TestPublish_SurvivesTheTableOfFaults, on a clock of its own.
func TestPublish_OutlastsFaults(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	src := fixture(t)
	faults := map[string]func(http.ResponseWriter, *http.Request, http.Handler){
		"429 with Retry-After": answer(http.StatusTooManyRequests, "Retry-After", "1"),
		"502 with a page":      answer(http.StatusBadGateway, "Content-Type", "text/html"),
		"503 twice":            answer(http.StatusServiceUnavailable),
		"reset":                reset,
		"answer lost":          lost,
	}
	registries := []string{"docker-registry", "distribution"}
	for i, kind := range []rig.Kind{rig.Ping, rig.UploadStart, rig.UploadEnd, rig.ManifestPut, rig.TagPut} {
		for j, name := range slices.Sorted(maps.Keys(faults)) {
			registry := registries[(i+j)%len(registries)]
			t.Run(registry+"/"+string(kind)+"/"+name, func(t *testing.T) {
				t.Parallel()
				h := kindOf(t, registry).open(t)
				times := int32(1)
				if name == "503 twice" {
					times = 2
				}
				h.Proxy.Between(once(kind, times, faults[name]))
				digest := h.publish(t, "tide", src).digest(t, h.repository("tide"))
				h.Proxy.Between(nil)
				h.requireTags(t, map[string]string{"1.4.0": digest, "1.4": digest, "1": digest, "latest": digest})
			})
		}
	}
}
