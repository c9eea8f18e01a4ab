package registrytest

import (
	"net/http"
	"slices"
	"time"
)

// Failure is a way in which a registry fails, and what becomes of a publish then.
type Failure struct {
	Name string
	// Times is how many requests fail, or all where it is negative.
	Times int
	Fault Fault
	// Waits is how long is waited for at least.
	Waits time.Duration
	// Stalls needs a client that gives up after half of the time that it lasts.
	Stalls bool

	// ends are the kinds of request where the publish ends with an error; the others
	// go through. Nil is none.
	ends func(Kind) bool
}

// Ends tells whether a publish ends with an error where requests of a kind fail so.
func (f Failure) Ends(kind Kind) bool { return f.ends != nil && f.ends(kind) }

// Kinds are the kinds of requests of a publish. Where a registry has no referrers API,
// there are those to the tag that stands in for it too.
func Kinds(referrers bool) []Kind {
	kinds := []Kind{
		Ping, TokenGet, TagHead, IndexHead, BlobHead, UploadPost, UploadData, ImagePut, IndexPut, ReadBack,
		ReferrersGet, AttestationPut, TagPut,
	}
	if referrers {
		return kinds
	}
	return append(kinds, FallbackGet, FallbackPut)
}

func always(Kind) bool { return true }

func only(kinds ...Kind) func(Kind) bool {
	return func(k Kind) bool { return slices.Contains(kinds, k) }
}

func except(kinds ...Kind) func(Kind) bool {
	return func(k Kind) bool { return !only(kinds...)(k) }
}

// Failures are the ways. Those that stall do so for twice the time that is given.
func Failures(stall time.Duration) []Failure {
	later := NewClock().Now().Add(45 * time.Second).Format(http.TimeFormat)
	return []Failure{
		{Name: "429", Times: 1, Fault: Status(429, "TOOMANYREQUESTS")},
		{Name: "429 Retry-After seconds", Times: 1, Fault: Status(429, "TOOMANYREQUESTS", "Retry-After", "40"), Waits: 40 * time.Second},
		{Name: "503 Retry-After date", Times: 1, Fault: Status(503, "UNAVAILABLE", "Retry-After", later), Waits: 45 * time.Second},
		{Name: "429 for ever", Times: -1, Fault: Status(429, "TOOMANYREQUESTS"), ends: always},
		{Name: "500", Times: 1, Fault: Status(500, "UNKNOWN")},
		{Name: "502 page", Times: 1, Fault: Page(502)},
		{Name: "503 x 4", Times: 4, Fault: Status(503, "UNAVAILABLE")},
		{Name: "reset", Times: 2, Fault: Reset},
		{Name: "half an answer", Times: 1, Fault: HalfAnswer},
		{Name: "silence", Times: 1, Fault: Silence(2 * stall), Stalls: true},
		{Name: "drip", Times: 1, Fault: Drip(2 * stall), Stalls: true, ends: only(Ping)},
		{Name: "lost", Times: 1, Fault: Lost},
		{Name: "unknown blob", Times: 1, Fault: Status(404, "BLOB_UNKNOWN"), ends: only(Ping, TokenGet)},
		{Name: "unknown blob for ever", Times: -1, Fault: Status(404, "MANIFEST_BLOB_UNKNOWN"), ends: except(IndexHead, BlobHead, ReferrersGet)},
		{Name: "unknown upload", Times: 1, Fault: Status(404, "BLOB_UPLOAD_UNKNOWN"), ends: only(Ping, TokenGet)},
		{Name: "wrong digest", Times: -1, Fault: WrongDigest, ends: except(Ping,
			TokenGet, IndexHead, BlobHead, UploadPost, ReferrersGet)},
		{Name: "expired token", Times: 1, Fault: Expired},
		{Name: "401", Times: -1, Fault: Status(401, "UNAUTHORIZED"), ends: except(Ping)},
		{Name: "403", Times: -1, Fault: Status(403, "DENIED"), ends: always},
		{Name: "404 repository", Times: -1, Fault: Status(404, "NAME_UNKNOWN"), ends: except(
			IndexHead, BlobHead, ReferrersGet)},
	}
}
