package gocmd

import (
	"context"
	"sync/atomic"
)

// Restored is a module cache that has what a program needed once.
type Restored struct {
	Dir string
	// Short is called where more is needed after all.
	Short func()
}

// Modules are the module caches of an engine: the restored one, if there is one, before
// the ordinary one.
type Modules struct{ restored atomic.Pointer[Restored] }

// Use names the restored module cache.
func (m *Modules) Use(dir string, short func()) { m.restored.Store(&Restored{dir, short}) }

// Restored is the restored module cache, or nil.
func (m *Modules) Restored() *Restored { return m.restored.Load() }

// Try does something with the restored module cache, and again with the ordinary one, nil,
// where that fails: what was not needed before is not there.
func (m *Modules) Try(ctx context.Context, do func(from *Restored) error) error {
	from := m.restored.Load()
	err := do(from)
	if err == nil || from == nil || ctx.Err() != nil {
		return err
	}
	if err := do(nil); err != nil {
		return err // the source is at fault, not the cache
	}
	if m.restored.CompareAndSwap(from, nil) {
		from.Short()
	}
	return nil
}
