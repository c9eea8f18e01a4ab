package engine

import "context"

// Caching is an engine whose caches of the go command can be carried to another machine.
// Its methods may be called beside Prepare, but for Needs and Collect, which come after all
// builds.
type Caching interface {
	Engine
	// Objects is a folder of this machine: what lies there before anything else is done is
	// in the build cache.
	Objects() string
	// UseModules names a module cache that has what the program needs, to list sources and
	// build from. Where more is needed after all, short is called and the ordinary one is used.
	UseModules(dir string, short func())
	// Needs lists what builds of a target need, once they have been made.
	Needs(ctx context.Context, t Target) (Needs, error)
	// Collect has what was used of the build cache in Objects, with the time of its use.
	Collect(ctx context.Context) error
}

// Needs is what a build needs of the go command's caches.
type Needs struct {
	// Archives are the compiled packages of the program, files in Objects, with the module or
	// package that each changes with.
	Archives map[string]string
	// Cache is the module cache, Modules what is needed of it: slash paths of files, and of
	// folders that have to be there, with their modules. It is empty where modules come
	// from a vendor folder.
	Cache   string
	Modules map[string]string
}
