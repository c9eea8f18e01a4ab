package plan

// Run says what is done with an image, and where. It never changes a byte of it.
type Run struct {
	// Source is the source folder on this machine.
	Source string `json:"source"`
	// Engine is auto, local or dagger.
	Engine string `json:"engine"`
	// EngineHost is the address of the Dagger engine, where somebody said one.
	EngineHost string `json:"engineHost,omitempty"`
	// Mirrors say which registry is asked in another's place.
	Mirrors map[string]string `json:"mirrors,omitempty"`
	// Output is the folder of the OCI layouts, one for each image by its name.
	Output string `json:"output"`
	// Budget is the size that an image may have, compressed, in bytes.
	Budget int64 `json:"budget"`
	// Targets are the repositories to publish to.
	Targets []string `json:"targets,omitempty"`
	// Ref is the full name of what is checked out, such as refs/heads/main, or "". It
	// has a say in Tags and in nothing else.
	Ref string `json:"ref,omitempty"`
	// Tags are those that each image gets in every repository.
	Tags []Tag `json:"tags,omitempty"`
	// Publish is how repositories are written to.
	Publish Publish `json:"publish,omitzero"`
	// Tests are the packages to vet and test.
	Tests []string `json:"tests"`
	// Scan and Smoke are how images are judged, Policy what findings are held against.
	Scan   Scan   `json:"scan"`
	Smoke  Smoke  `json:"smoke"`
	Policy Policy `json:"policy"`
	// Caches are the go command's that are carried over.
	Caches Caches `json:"caches,omitzero"`
	// PreBuild are commands that run in the source folder before a build.
	PreBuild [][]string `json:"preBuild,omitempty"`
	// AllowExec lets them run on this machine.
	AllowExec bool `json:"allowExec,omitempty"`
}
