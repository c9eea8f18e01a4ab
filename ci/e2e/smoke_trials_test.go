package e2e_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/base/builtin"
	"example.com/slipway/ci/container"
	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/output"
	"example.com/slipway/ci/plan"
)

// smokeTrial is one trial of an image and what has to come of it.
type smokeTrial struct {
	// How is what the subject of ci/trial/runner is told to do.
	How, Health string
	// Fault and Line are what the error has to say and which line of the program's it
	// has to show. Without Fault the trial passes.
	Fault, Line string
	// Job has no port.
	Job bool
	// Mode is that of the program's file.
	Mode int64
	// Low is for a port below 1024.
	Low bool
	// Sample is the sample service in the place of the subject.
	Sample bool

	Smoke engine.Smoke
}

// smokeTrials are a program that behaves, and one for each way in which it may not.
func smokeTrials() []smokeTrial {
	const before = "before it could take connections on port PORT"
	return []smokeTrial{
		{How: "serves", Sample: true, Health: "/healthz"},
		{How: "behaves", Health: "/healthz"},
		{How: "behaves"},
		{How: "behaves", Low: true},
		{How: "has no handler"},
		{How: "job", Job: true},
		{How: "behaves", Job: true},
		{How: "exits", Fault: "the program ended with exit code 1 " + before, Line: "no configuration"},
		{How: "exits", Job: true, Fault: "the program ended with exit code 1 by itself within 2s of its start", Line: "no configuration"},
		{How: "panics", Fault: "the program ended with exit code 2 " + before, Line: "no water"},
		{How: "panics later", Health: "/healthz", Fault: "the program ended with exit code 2 ", Line: "no more water"},
		{How: "does not listen", Fault: "the program does not take connections on port PORT within 5s"},
		{How: "listens elsewhere", Fault: "the program does not take connections on port PORT within 5s", Line: "listening on :1"},
		{How: "listens on loopback", Fault: "the program does not take connections on port PORT within 5s", Line: "listening on 127.0.0.1:"},
		{How: "is unhealthy", Health: "/healthz", Fault: "the program does not answer GET /healthz with a status of 200 to 299 within 5s: status 500"},
		{How: "redirects", Health: "/healthz", Fault: "the program does not answer GET /healthz with a status of 200 to 299 within 5s: status 302"},
		{How: "behaves", Health: "/other", Fault: "the program does not answer GET /other with a status of 200 to 299 within 5s: status 404"},
		{How: "writes", Fault: "the program ended with exit code 1 " + before, Line: "open /tmp/state: "},
		{How: "needs a capability", Fault: "the program ended with exit code 1 " + before, Line: "operation not permitted"},
		{How: "needs root", Fault: "the program ended with exit code 1 " + before, Line: "operation not permitted"},
		{How: "ignores the signal", Fault: "the program does not stop within 3s of SIGTERM"},
		{How: "ends with 3", Fault: "the program ended with exit code 3 after SIGTERM", Line: "not stored"},
		{How: "takes memory", Fault: "the program "},
		{How: "behaves", Mode: 0o644, Fault: "the program /app/subject cannot be started"},
	}
}

// smokePrepared writes the images of all trials, each under a name of its own.
func smokePrepared(t *testing.T) []smokeTrial {
	t.Helper()
	dir := t.TempDir()
	subject, sample := filepath.Join(dir, "subject"), filepath.Join(dir, "sample")
	for output, pkg := range map[string]string{subject: "../trial/runner/testdata/subject", sample: "../../cmd/server"} {
		rig.Must(t, "", append(rig.Environ(), "CGO_ENABLED=0"), "go", "build", "-o", output, pkg)
	}
	trials := smokeTrials()
	for i := range trials {
		c := &trials[i]
		port := strconv.Itoa(8100 + i)
		if c.Low {
			port = "87"
		}
		binary, args := subject, []string{c.How, port}
		if c.Sample {
			binary, args = sample, []string{"--addr", ":" + port}
		}
		config := plan.Config{User: "65532"}
		if !c.Job {
			config.Ports = []string{"53/udp", port + "/tcp"}
		}
		c.Fault = strings.ReplaceAll(c.Fault, "PORT", port)
		tag, err := name.NewTag("localhost/slipway-smoke/subject:" + strconv.Itoa(i))
		require.NoError(t, err)
		archive := filepath.Join(dir, strconv.Itoa(i)+".tar")
		require.NoError(t, output.Archive(archive, tag, smokeImage(t, binary, c.Mode, config.Ports)))
		c.Smoke = engine.Smoke{
			Platform: container.HostPlatform(), Archive: archive, Tag: tag.String(), Entrypoint: "/app/subject", Binary: engine.Binary{File: binary},
			Config: config, Smoke: plan.Smoke{Health: c.Health, Args: args, Env: []string{"SMOKE=1"}}, Wait: time.Minute, StopWithin: time.Minute,
		}
		// Only who is to be found out has little time: a busy machine is slow with the others.
		if strings.HasSuffix(c.Fault, "of SIGTERM") {
			c.Smoke.StopWithin = 3 * time.Second
		}
		if strings.Contains(c.Fault, "within 5s") {
			c.Smoke.Wait = 5 * time.Second
		}
	}
	return trials
}

// smokeImage puts a program on the embedded base.
func smokeImage(t *testing.T, binary string, mode int64, ports []string) v1.Image {
	t.Helper()
	index, err := builtin.Index([]plan.Platform{container.HostPlatform()})
	require.NoError(t, err)
	m, err := index.IndexManifest()
	require.NoError(t, err)
	base, err := index.Image(m.Manifests[0].Digest)
	require.NoError(t, err)
	if mode == 0 {
		mode = 0o755
	}
	text, err := os.ReadFile(binary)
	require.NoError(t, err)
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "app/", Typeflag: tar.TypeDir, Mode: 0o755}))
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "app/subject", Mode: mode, Size: int64(len(text))}))
	_, err = w.Write(text)
	require.NoError(t, errors.Join(err, w.Close()))
	added, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layer.Bytes())), nil })
	require.NoError(t, err)
	img, err := mutate.AppendLayers(base, added)
	require.NoError(t, err)
	file, err := img.ConfigFile()
	require.NoError(t, err)
	config := file.Config
	config.User, config.Entrypoint, config.ExposedPorts = "65532", []string{"/app/subject"}, map[string]struct{}{}
	for _, port := range ports {
		config.ExposedPorts[port] = struct{}{}
	}
	img, err = mutate.Config(img, config)
	require.NoError(t, err)
	return img
}
