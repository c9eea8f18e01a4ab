package moon

//go:noinline
func Full() bool { return true }
