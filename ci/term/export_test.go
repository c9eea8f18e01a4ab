package term

// Tick draws as a tick does, and returns when it is done.
func (t *Terminal) Tick() { t.tick() }
