package inspect

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"example.com/slipway/ci/fault"
)

// maxMembers bounds the files of an archive: some for each layer.
const maxMembers = 10_000

// archive is a tar whose files are read where they lie.
type archive struct {
	file    *os.File
	members map[string]member
}

// member is a file of an archive, or a link to one.
type member struct {
	offset, size int64
	link         string
}

func (s *Source) openArchive(ctx context.Context) error {
	s.kind = DockerArchive
	f, err := os.Open(s.file)
	if err != nil {
		return err
	}
	s.closer = f
	a, err := readArchive(f)
	if err != nil {
		return err
	}
	if index, err := a.member("index.json"); err == nil {
		s.kind = OCIArchive
		err = s.openIndex(ctx, index, a)
		for _, c := range s.images {
			c.archived = true
		}
		return err
	}
	list, err := a.member("manifest.json")
	if err != nil {
		return fault.New(fault.Usage, "the file %s is no archive of an image: it has neither an index.json nor a manifest.json", s.ref).
			WithFix("name a file that docker save, podman save or slipway build --tarball wrote")
	}
	return s.openDocker(a, list)
}

// readArchive notes where the files of a tar lie. The tar reader reads exactly what
// it tells, so that the file's position is where the content begins.
func readArchive(f *os.File) (*archive, error) {
	a := &archive{file: f, members: map[string]member{}}
	for t := tar.NewReader(f); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) && len(a.members) > 0 {
			return a, nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return nil, notArchive(f, err)
		}
		offset, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		name := path.Clean("/" + h.Name)[1:]
		switch {
		case h.Typeflag == tar.TypeReg && !isSparse(h):
			a.members[name] = member{offset: offset, size: h.Size}
		case h.Typeflag == tar.TypeSymlink, h.Typeflag == tar.TypeLink:
			a.members[name] = member{link: h.Linkname}
		}
		if len(a.members) > maxMembers {
			return nil, tooMany(maxMembers, "files in the archive")
		}
	}
}

// notArchive says why a file is no tar that can be read where it lies.
func notArchive(f *os.File, err error) error {
	magic := make([]byte, 4)
	_, _ = f.ReadAt(magic, 0)
	if bytes.HasPrefix(magic, []byte{0x1f, 0x8b}) || bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}) {
		return fault.New(fault.Usage, "the archive %s is compressed as a whole", f.Name()).WithFix("decompress it first")
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("it is empty")
	}
	return fmt.Errorf("the archive is damaged: %w", err)
}

// member opens a file of the archive. Old versions of docker save link from one
// layer's folder to another's.
func (a *archive) member(name string) (*io.SectionReader, error) {
	for range maxHops {
		m, ok := a.members[name]
		if !ok {
			break
		}
		if m.link == "" {
			return io.NewSectionReader(a.file, m.offset, m.size), nil
		}
		name = path.Clean("/" + path.Join(path.Dir(name), m.link))[1:]
	}
	return nil, fmt.Errorf("the archive has no file %q", name)
}

func (a *archive) open(_ context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	r, err := a.member(path.Join("blobs", d.Digest.Algorithm, d.Digest.Hex))
	if err != nil {
		return nil, err
	}
	return io.NopCloser(r), nil
}

// openDocker reads the format of docker save: a list of images, each with the names
// of its configuration and layers.
// https://github.com/moby/moby/blob/v27.0.0/image/spec/v1.2.md#combined-image-json--filesystem-changeset-format
func (s *Source) openDocker(a *archive, list io.Reader) error {
	raw, err := atMost(list, maxManifest, "manifest.json")
	if err != nil {
		return err
	}
	var images []struct {
		Config string
		Layers []string
	}
	if err := json.Unmarshal(raw, &images); err != nil {
		return fmt.Errorf("its manifest.json is not one: %w", err)
	}
	if len(images) > maxDocuments {
		return tooMany(maxDocuments, "images")
	}
	for _, image := range images {
		if len(image.Layers) > maxLayers {
			return tooMany(maxLayers, "layers")
		}
		c, err := a.dockerConfig(image.Config)
		if err != nil {
			return err
		}
		for _, name := range image.Layers {
			b, err := a.dockerLayer(name)
			if err != nil {
				return err
			}
			c.layers = append(c.layers, b)
		}
		if err := c.parse(); err != nil {
			return err
		}
		s.images = append(s.images, c)
	}
	return nil
}

// dockerConfig reads a configuration, whose name is its digest in some form.
func (a *archive) dockerConfig(name string) (*content, error) {
	r, err := a.member(path.Clean("/" + name)[1:])
	if err != nil {
		return nil, err
	}
	raw, err := atMost(r, maxConfig, "configuration")
	if err != nil {
		return nil, err
	}
	c := &content{id: sumOf(raw), config: raw, archived: true}
	said := strings.TrimPrefix(strings.TrimSuffix(path.Base(name), ".json"), "sha256:")
	if want, err := v1.NewHash("sha256:" + said); err == nil && want != c.id {
		return nil, &mismatchError{"configuration", c.id.String(), want.String()}
	}
	return c, nil
}

// dockerLayer is a layer of which nothing but the configuration says what is in it:
// the digest of what it unpacks to.
func (a *archive) dockerLayer(name string) (blob, error) {
	r, err := a.member(path.Clean("/" + name)[1:])
	if err != nil {
		return blob{}, err
	}
	magic := make([]byte, 2)
	_, _ = r.ReadAt(magic, 0)
	media := types.DockerUncompressedLayer
	if bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		media = types.DockerLayer
	}
	return blob{
		size: r.Size(), mediaType: media,
		open: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(io.NewSectionReader(r, 0, r.Size())), nil
		},
	}, nil
}
