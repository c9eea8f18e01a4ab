package native

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"example.com/slipway/ci/step"
)

// proxiedModules are what generated code imports and module proxies serve at exact
// versions only.
var proxiedModules = []string{"dagger.io/dagger", "github.com/dagger/otel-go", "github.com/dagger/querybuilder"}

// makeProxy makes a folder that is a module proxy (https://go.dev/ref/mod#goproxy-protocol)
// for these modules, at the versions and with the sums of the engine's module.
func (h *Host) makeProxy(ctx context.Context, dir string, s step.Step) error {
	goProgram, err := h.program("go")
	if err != nil {
		return err
	}
	source := dir + ".module"
	if err := writeModule(source); err != nil {
		return fmt.Errorf("writing the engine's module: %w", err)
	}
	defer os.RemoveAll(source)
	s.Log("collecting the modules of the Go SDK")
	cmd := command(ctx, h.goEnviron(), goProgram, append([]string{"mod", "download", "-json"}, proxiedModules...)...)
	cmd.Dir = source
	out, said, err := output(cmd)
	if err != nil {
		return failed(ctx, "getting the modules of the Go SDK", err, said, "check GOPROXY and the network")
	}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var m proxied
		if err := decoder.Decode(&m); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("reading what the go command downloaded: %w", err)
		}
		if err := m.write(dir); err != nil {
			return fmt.Errorf("keeping the module %s: %w", m.Path, err)
		}
	}
}

// proxied is a module as go mod download -json prints it.
type proxied struct {
	Path, Version, Info, GoMod, Zip string
}

// write puts the module into a proxy's folder. These paths have no upper case, which
// the protocol would escape.
func (m proxied) write(dir string) error {
	home := filepath.Join(dir, filepath.FromSlash(m.Path))
	versions := filepath.Join(home, "@v")
	if err := os.MkdirAll(versions, 0o755); err != nil {
		return err
	}
	text, err := os.ReadFile(m.Info)
	if err != nil {
		return err
	}
	var about struct {
		Version string
		Time    time.Time
	}
	if err := json.Unmarshal(text, &about); err != nil {
		return err
	}
	info, err := json.Marshal(about)
	if err != nil {
		return err
	}
	files := map[string][]byte{
		filepath.Join(home, "@latest"): info, filepath.Join(versions, m.Version+".info"): info,
		filepath.Join(versions, "list"): []byte(m.Version + "\n"),
	}
	if m.Path == proxiedModules[0] {
		files[filepath.Join(versions, sdkCommit+".info")] = info
	}
	for from, to := range map[string]string{m.GoMod: ".mod", m.Zip: ".zip"} {
		if files[filepath.Join(versions, m.Version+to)], err = os.ReadFile(from); err != nil {
			return err
		}
	}
	for name, text := range files {
		if err := os.WriteFile(name, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
