package sea

//go:noinline
func Level() int { return 3 }
