package e2e_test

import (
	"archive/tar"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/layer"
)

// facts are all that there is to say about an index of images, each under a name, so
// that two indexes can be compared without leaving anything out unseen.
type facts map[string]string

// difference is a fact that two indexes do not share, for example the file
// "linux/amd64 file app/server sha256".
type difference struct{ name, ours, theirs string }

func factsOf(t *testing.T, index v1.ImageIndex) facts {
	t.Helper()
	f := facts{}
	m, err := index.IndexManifest()
	require.NoError(t, err)
	f.add("index", m.MediaType, m.ArtifactType, m.Subject)
	f.each("index annotation", m.Annotations)
	for _, d := range m.Manifests {
		platform := d.Platform.String()
		require.NotContains(t, f, platform+" platform", "one image for each platform")
		f.add(platform+" platform", d.MediaType, d.Platform)
		f.add(platform+" artifact type", d.ArtifactType)
		f.each(platform+" annotation", d.Annotations)
		image, err := index.Image(d.Digest)
		require.NoError(t, err)
		f.image(t, platform, image)
		f.files(t, platform, image)
	}
	return f
}

func (f facts) image(t *testing.T, platform string, image v1.Image) {
	t.Helper()
	m, err := image.Manifest()
	require.NoError(t, err)
	f.add(platform+" manifest", m.MediaType, m.Config.MediaType, m.Subject)
	f.each(platform+" manifest annotation", m.Annotations)
	for i, l := range m.Layers {
		f.add(fmt.Sprint(platform, " layer ", i), l.MediaType, l.Digest)
	}
	raw, err := image.RawConfigFile()
	require.NoError(t, err)
	var config struct {
		Config map[string]any
		Rest   map[string]any
	}
	require.NoError(t, json.Unmarshal(raw, &config.Rest))
	require.NoError(t, json.Unmarshal(raw, &config))
	for name, value := range config.Rest {
		switch name {
		case "config", "rootfs": // below, and what the layers say
		default:
			f.add(platform+" config "+name, value)
		}
	}
	for name, value := range config.Config {
		f.add(platform+" config "+name, value)
	}
}

// files adds the file tree that the layers of an image make.
func (f facts) files(t *testing.T, platform string, image v1.Image) {
	t.Helper()
	flat := mutate.Extract(image)
	defer flat.Close()
	for r := tar.NewReader(flat); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		sum := sha256.New()
		_, err = io.Copy(sum, r)
		require.NoError(t, err)
		name := platform + " file " + path.Clean(h.Name) + " "
		f.add(name+"type", string(h.Typeflag))
		f.add(name+"mode", fmt.Sprintf("%04o", h.Mode))
		f.add(name+"owner", h.Uid, h.Gid)
		f.add(name+"link", h.Linkname)
		f.add(name+"records", h.PAXRecords)
		f.add(name+"time", h.ModTime.UTC())
		f.add(name+"sha256", fmt.Sprintf("%x", sum.Sum(nil)))
	}
}

func (f facts) add(name string, values ...any) {
	text, err := json.Marshal(values)
	if err != nil {
		panic(err) // they come out of JSON and tar headers
	}
	f[name] = string(text)
}

func (f facts) each(name string, values map[string]string) {
	for key, value := range values {
		f.add(name+" "+key, value)
	}
}

// differences are those from other, by name.
func (f facts) differences(other facts) []difference {
	var list []difference
	all := maps.Clone(f)
	maps.Copy(all, other)
	for name := range all {
		if f[name] != other[name] {
			list = append(list, difference{name, cmp.Or(f[name], "nothing"), cmp.Or(other[name], "nothing")})
		}
	}
	slices.SortFunc(list, func(a, b difference) int { return cmp.Compare(a.name, b.name) })
	return list
}

// permit allows differences, by a pattern for the whole of their names and a reason.
type permit struct{ names, reason string }

// requirePermitted fails for a difference that nothing permits, and for a permit that
// no difference needs.
func requirePermitted(t *testing.T, list []difference, permits []permit) {
	t.Helper()
	needed := map[string]bool{}
	var refused []string
	for _, d := range list {
		i := slices.IndexFunc(permits, func(p permit) bool { return regexp.MustCompile(`^(?:` + p.names + `)$`).MatchString(d.name) })
		if i < 0 {
			refused = append(refused, fmt.Sprintf("%s: %s, and %s", d.name, d.ours, d.theirs))
			continue
		}
		needed[permits[i].names] = true
		t.Logf("%s: %s, and %s: %s", d.name, d.ours, d.theirs, permits[i].reason)
	}
	require.Empty(t, refused)
	for _, p := range permits {
		require.True(t, needed[p.names], "no difference needs the permit %q any more: take it out", p.names)
	}
}

// What compares images must see each change of one, or equality says nothing.
func TestFacts_TellEveryChangeOfAnImage(t *testing.T) {
	t.Parallel()
	type parts struct {
		file   layer.File
		time   int64
		config v1.Config
		rest   v1.ConfigFile
	}
	made := func(change func(*parts)) facts {
		p := parts{
			file: layer.File{Path: "app", Mode: 0o755, Data: []byte("a")}, time: 1,
			config: v1.Config{Env: []string{"A=b"}, User: "1", Entrypoint: []string{"/app"}},
			rest:   v1.ConfigFile{OS: "linux", Architecture: "amd64", RootFS: v1.RootFS{Type: "layers"}},
		}
		change(&p)
		p.rest.Config = p.config
		image, err := mutate.ConfigFile(empty.Image, &p.rest)
		require.NoError(t, err)
		content, err := layer.New([]layer.File{p.file}, time.Unix(p.time, 0))
		require.NoError(t, err)
		image, err = mutate.AppendLayers(image, content)
		require.NoError(t, err)
		return factsOf(t, mutate.AppendManifests(empty.Index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}},
		}))
	}
	same := made(func(*parts) {})
	require.Empty(t, same.differences(made(func(*parts) {})))
	for name, change := range map[string]func(*parts){
		"file app mode":       func(p *parts) { p.file.Mode = 0o754 },
		"file app owner":      func(p *parts) { p.file.GID = 1 },
		"file app sha256":     func(p *parts) { p.file.Data = []byte("b") },
		"file app time":       func(p *parts) { p.time = 2 },
		"file app records":    func(p *parts) { p.file.Capability = []byte("c") },
		"file b type":         func(p *parts) { p.file.Path = "b" },
		"config Env":          func(p *parts) { p.config.Env = nil },
		"config User":         func(p *parts) { p.config.User = "2" },
		"config Entrypoint":   func(p *parts) { p.config.Entrypoint = nil },
		"config Cmd":          func(p *parts) { p.config.Cmd = []string{"serve"} },
		"config WorkingDir":   func(p *parts) { p.config.WorkingDir = "/app" },
		"config ExposedPorts": func(p *parts) { p.config.ExposedPorts = map[string]struct{}{"1/tcp": {}} },
		"config StopSignal":   func(p *parts) { p.config.StopSignal = "SIGINT" },
		"config Labels":       func(p *parts) { p.config.Labels = map[string]string{"a": "b"} },
		"config Volumes":      func(p *parts) { p.config.Volumes = map[string]struct{}{"/data": {}} },
		"config author":       func(p *parts) { p.rest.Author = "a" },
		"config architecture": func(p *parts) { p.rest.Architecture = "arm64" },
		"config created":      func(p *parts) { p.rest.Created = v1.Time{Time: time.Unix(9, 0)} },
	} {
		var names []string
		for _, d := range same.differences(made(change)) {
			names = append(names, d.name)
		}
		require.Contains(t, names, "linux/amd64 "+name)
	}
}
