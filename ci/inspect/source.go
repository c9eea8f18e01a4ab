package inspect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/plan"
)

// Source is an image whose manifests were read and whose layers were not.
type Source struct {
	ref     string
	file    string // the folder or archive
	kind    Kind
	digest  string
	images  []*content
	options Options
	closer  io.Closer
	// documents counts what was read, others are platforms that were not asked for.
	documents int
	others    []string
}

// Close lets go of the folder or archive, which was only read.
func (s *Source) Close() {
	if s.closer != nil {
		s.closer.Close()
	}
}

// Digest identifies what was found, or is empty where no one digest stands for all of it.
func (s *Source) Digest() string { return s.digest }

// Open finds an image: in a folder that is an OCI layout, in a file that is an
// archive of an OCI layout or of docker save, or else in the registry that the
// reference names.
func Open(ctx context.Context, ref string, o Options) (*Source, error) {
	s := &Source{ref: ref, file: filepath.Join(o.Dir, ref), options: o.withDefaults()}
	if filepath.IsAbs(ref) {
		s.file = ref
	}
	info, err := os.Stat(s.file)
	switch {
	case err == nil && info.IsDir():
		err = s.openLayout(ctx)
	case err == nil && info.Mode().IsRegular():
		err = s.openArchive(ctx)
	case err == nil:
		err = fault.New(fault.Usage, "%s is neither a folder nor a file", ref).WithFix("name an OCI layout or an archive")
	case isPath(ref) || !errors.Is(err, fs.ErrNotExist):
		err = fault.New(fault.Usage, "there is no image at %s: %v", ref, errors.Unwrap(err)).WithCause(err).
			WithFix("name an OCI layout, an archive, or an image in a registry")
	default:
		err = s.openRegistry(ctx)
	}
	if err == nil {
		err = s.complete()
	}
	if err != nil {
		s.Close()
		return nil, s.explain(ctx, err)
	}
	return s, nil
}

// isPath tells what can only be meant as a file from what may be a reference.
func isPath(ref string) bool {
	return filepath.IsAbs(ref) || strings.HasPrefix(ref, ".") || strings.HasSuffix(ref, ".tar") || strings.Contains(ref, `\`)
}

func (s *Source) openLayout(ctx context.Context) error {
	s.kind = Layout
	root, err := os.OpenRoot(s.file)
	if err != nil {
		return err
	}
	s.closer = root
	from := folder{root}
	index, err := from.file("index.json")
	if err != nil {
		return fault.New(fault.Usage, "the folder %s is no OCI layout: %v", s.ref, err).WithCause(err).
			WithFix("name a folder that has an index.json, as slipway build writes it")
	}
	defer index.Close()
	return s.openIndex(ctx, index, from)
}

// folder is an OCI layout. What it names outside of itself is not opened.
type folder struct{ root *os.Root }

func (f folder) open(_ context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	return f.file(filepath.Join("blobs", d.Digest.Algorithm, d.Digest.Hex))
}

// file opens regular files only: a pipe would be waited for.
func (f folder) file(name string) (io.ReadCloser, error) {
	info, err := f.root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", name)
	}
	return f.root.Open(name)
}

// complete chooses the platforms that were asked for, and fails if there are none.
func (s *Source) complete() error {
	have := s.others
	var chosen []*content
	for _, c := range s.images {
		have = append(have, c.platform().String())
		if s.wants(c.platform()) || c.listed != nil && s.wants(*c.listed) {
			chosen = append(chosen, c)
		}
	}
	if len(have) == 0 {
		return errors.New("it holds no image")
	}
	if len(chosen) == 0 {
		return fault.New(fault.Usage, "%s has no image for %s", s.ref, s.options.Platforms[0]).
			WithFix("it has %s", strings.Join(have, ", "))
	}
	s.images = chosen
	return nil
}

func (s *Source) wants(p plan.Platform) bool {
	return len(s.options.Platforms) == 0 || slices.Contains(s.options.Platforms, p)
}

// OfIndex is an image that this process has, as an index.
func OfIndex(idx v1.ImageIndex, o Options) (*Source, error) {
	s := &Source{ref: "the image", kind: Memory, options: o.withDefaults()}
	if err := s.addIndex(idx); err != nil {
		return nil, s.explain(context.Background(), err)
	}
	return s, s.complete()
}

func (s *Source) addIndex(idx v1.ImageIndex) error {
	digest, err := idx.Digest()
	if err != nil {
		return err
	}
	s.digest = digest.String()
	m, err := idx.IndexManifest()
	if err != nil {
		return err
	}
	for _, d := range m.Manifests {
		if attests(d) {
			continue
		}
		img, err := idx.Image(d.Digest)
		if err != nil {
			return err
		}
		c, err := imageContent(img)
		if err != nil {
			return err
		}
		c.listed, c.annotations = platformOf(d.Platform), append(c.annotations, m.Annotations, d.Annotations)
		s.images = append(s.images, c)
	}
	return nil
}

// OfImage is one platform's image that this process has.
func OfImage(img v1.Image, o Options) (*Source, error) {
	s := &Source{ref: "the image", kind: Memory, options: o.withDefaults()}
	c, err := imageContent(img)
	if err != nil {
		return nil, s.explain(context.Background(), err)
	}
	s.digest, s.images = c.digest, []*content{c}
	return s, s.complete()
}

func imageContent(img v1.Image) (*content, error) {
	raw, err := img.RawManifest()
	if err != nil {
		return nil, err
	}
	m, err := parseManifest(raw)
	if err != nil {
		return nil, err
	}
	config, err := img.RawConfigFile()
	if err != nil {
		return nil, err
	}
	return m.content(config, func(_ context.Context, d v1.Descriptor) (io.ReadCloser, error) {
		l, err := img.LayerByDigest(d.Digest)
		if err != nil {
			return nil, fmt.Errorf("finding the layer: %w", err)
		}
		return l.Compressed()
	}, sumOf(raw).String())
}

func sumOf(data []byte) v1.Hash {
	m := newMeter(bytes.NewReader(data))
	_, _ = io.Copy(io.Discard, m)
	return m.sum()
}
