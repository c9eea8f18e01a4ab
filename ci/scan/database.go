// Package scan is the gate for vulnerabilities around the scanner: it has the database
// ready before the scanner runs, tells the scanner what to do, and reads its report as
// the word of somebody who may have seen nothing.
package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"

	"example.com/slipway/ci/fault"
)

// Repositories are those that are asked where nobody names others, in this order.
func Repositories() []string {
	return []string{"mirror.gcr.io/aquasec/trivy-db", "ghcr.io/aquasecurity/trivy-db", "public.ecr.aws/aquasecurity/trivy-db"}
}

// Request says which database is wanted.
type Request struct {
	// Repositories are asked in their order. One without a tag has the tag of the
	// schema. The default is Repositories().
	Repositories []string
	// Mirrors maps a registry's host to the host[:port] that is asked instead.
	Mirrors map[string]string
	// Cache is the folder that keeps databases.
	Cache string
	// Age is how old a database may be.
	Age time.Duration
	// Transport sends the requests. The default is http.DefaultTransport.
	Transport http.RoundTripper
	// Wait is how long one repository may take until it answers at all. The default
	// is 5 seconds.
	Wait time.Duration
	// Stall is how long one that has answered may then send nothing. The default is
	// 30 seconds.
	Stall time.Duration
	// Now is the clock. The default is the system's.
	Now func() time.Time

	limits limits
}

// limits are in bytes.
type limits struct{ packed, unpacked int64 }

func (r Request) withDefaults() Request {
	if len(r.Repositories) == 0 {
		r.Repositories = Repositories()
	}
	if r.Now == nil {
		r.Now = time.Now
	}
	r.Transport = cmp.Or(r.Transport, http.DefaultTransport)
	r.Wait = cmp.Or(r.Wait, 5*time.Second)
	r.Stall = cmp.Or(r.Stall, 30*time.Second)
	r.limits.packed = cmp.Or(r.limits.packed, 1<<30)
	r.limits.unpacked = cmp.Or(r.limits.unpacked, 4<<30)
	return r
}

// Database is a database that may be used.
type Database struct {
	// Folder is the cache folder to give to the scanner: its database is in db.
	Folder string
	// Repository is where it came from, as it was asked for, and Digest the
	// manifest's there.
	Repository, Digest string
	// Updated is when it was made.
	Updated time.Time
	// Cached is true if nothing was downloaded.
	Cached bool
	// Note is what a user should know of it, or empty.
	Note string
}

// Fetch returns the newest database that can be had. The scanner's own download stops at
// the first repository that cannot be reached, and takes a database of any age where it
// must not download (https://trivy.dev/docs/latest/configuration/db/). Fetch asks nobody while a kept one
// is the newest there is, by its own word. Every error but that of the context is a
// *fault.Error, of kind Unjudged where no database can be had that is new enough.
func Fetch(ctx context.Context, r Request) (*Database, error) {
	r = r.withDefaults()
	s := &store{dir: r.Cache, now: r.Now}
	unlock, err := s.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	if k := s.newest(r.Repositories); k != nil && r.why(k) == "" && r.Now().Before(k.NextUpdate) {
		return k.database(true, ""), nil
	}
	f := &fetch{Request: r, store: s}
	for _, name := range r.Repositories {
		k, cached, err := f.from(ctx, name)
		if err == nil {
			s.trim()
			return k.database(cached, ""), nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("fetching the vulnerability database: %w", context.Cause(ctx))
		}
		if _, ok := errors.AsType[*fault.Error](err); ok {
			return nil, err
		}
		f.reasons = append(f.reasons, name+": "+err.Error())
	}
	return f.last()
}

// fetch is one round through the repositories.
type fetch struct {
	Request
	store *store
	// reasons say of each repository why it was of no use.
	reasons []string
	// old is the newest database that was too old.
	old *kept
}

// from returns the database of one repository, or the newest that is kept if that is
// newer. An error that is no *fault.Error is a clause.
func (f *fetch) from(ctx context.Context, name string) (k *kept, cached bool, err error) {
	repo, err := newRepository(f.Request, name)
	if err != nil {
		return nil, false, err
	}
	m, err := repo.manifest(ctx)
	if err != nil {
		return nil, false, err
	}
	k = f.store.open(m.digest)
	if cached = k != nil; cached {
		k, err = f.store.again(k, name)
	} else {
		k, err = repo.download(ctx, m, f.store)
	}
	if err != nil {
		return nil, false, err
	}
	if why := f.why(k); why != "" {
		if !k.early(f.Now()) && (f.old == nil || k.UpdatedAt.After(f.old.UpdatedAt)) {
			f.old = k
		}
		return nil, false, errors.New(why)
	}
	// A mirror may lag behind what another repository had.
	if newest := f.store.newest(f.Repositories); newest != nil && newest.UpdatedAt.After(k.UpdatedAt) {
		return newest, true, nil
	}
	return k, cached, nil
}

// why returns why a database may not be used, or "".
func (r Request) why(k *kept) string {
	age := r.Now().Sub(k.UpdatedAt)
	switch {
	case age > r.Age:
		return fmt.Sprintf("its database is %s old, and %s are allowed", words(age), words(r.Age))
	case k.early(r.Now()):
		return fmt.Sprintf("its database is of %s, which is still to come by the clock of this machine", k.UpdatedAt.Format(time.RFC3339))
	}
	return ""
}

// last returns a kept database where no repository has one.
func (f *fetch) last() (*Database, error) {
	if k := f.store.newest(f.Repositories); k != nil && f.why(k) == "" {
		return k.database(true, fmt.Sprintf("no repository gave the vulnerability database, so a kept one is used, which is %s old (%s)",
			words(f.Now().Sub(k.UpdatedAt)), strings.Join(f.reasons, "; "))), nil
	}
	fault := fault.New(fault.Unjudged, "no vulnerability database could be had from any of %d repositories", len(f.Repositories)).
		WithFix("check the network, or name a repository that can be reached")
	if f.old != nil {
		fault.What = fmt.Sprintf("the newest vulnerability database that could be had is %s old, and %s are allowed",
			words(f.Now().Sub(f.old.UpdatedAt)), words(f.Age))
		fault.Fix = "check the clock of this machine, name a repository that is kept up to date, or allow an older database"
	}
	return nil, fault.WithDetail(f.reasons...)
}

// words says a time as people do.
func words(d time.Duration) string {
	count, unit := int(d/time.Hour/24), "day"
	switch {
	case d < 2*time.Hour:
		count, unit = int(d/time.Minute), "minute"
	case d < 72*time.Hour:
		count, unit = int(d/time.Hour), "hour"
	}
	if count != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", count, unit)
}

// lock keeps other runs out: one of them downloads, and the others use what it got.
func (s *store) lock() (unlock func(), err error) {
	if err := s.make(); err != nil {
		return nil, err
	}
	unlock, err = lockedfile.MutexAt(filepath.Join(s.dir, ".lock")).Lock()
	if err != nil {
		return nil, s.unwritable(err)
	}
	return unlock, nil
}
