package plan

// Run says what is done with an image, and where. It never changes a byte of it.
type Run struct {
	// Source is the source folder on this machine.
	Source string `json:"source"`
	// Engine is auto, local or dagger.
	Engine string `json:"engine"`
	// Mirrors say which registry is asked in another's place.
	Mirrors map[string]string `json:"mirrors,omitempty"`
	// Output is the folder of the OCI layout.
	Output string `json:"output"`
}
