package e2e_test

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
	"example.com/slipway/ci/engine"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/scan"
)

// earlier is the builder before the one that the tests pin.
const earlier = "golang:1.26.8-alpine@sha256:8ac98ca534ac3f51e1f420a1dd2c15e74c75cfa0f23f3ad27eb5d7236c349a0c"

// sounding is a service with two dependencies that have real advisories.
var sounding = map[string]string{
	"go.mod": "module example.com/sounding\n\ngo 1.25.0\n\nrequire (\n\tgithub.com/golang-jwt/jwt/v4 v4.5.0\n\tgolang.org/x/text v0.3.7\n)\n",
	"go.sum": "github.com/golang-jwt/jwt/v4 v4.5.0 h1:7cYmW1XlMY7h7ii7UhUyChSgS5wUJEnm9uZVTGqOWzg=\n" +
		"github.com/golang-jwt/jwt/v4 v4.5.0/go.mod h1:m21LjoU+eqJr34lmDMbreY2eSTRJ1cv77w39/MY0Ch0=\n" +
		"golang.org/x/text v0.3.7 h1:olpwvP2KacW1ZWvsR7uQhoyTYvKAupfQrRGBFM352Gk=\n" +
		"golang.org/x/text v0.3.7/go.mod h1:u+2+/6zg+i71rQMx5EYifcz6MCKuco9NR6JIITiCfzQ=\n",
	"main.go": "package main\n\nimport (\n\t\"fmt\"\n\t\"net/http\"\n\n\t\"github.com/golang-jwt/jwt/v4\"\n\t\"golang.org/x/text/language\"\n)\n\n" +
		"func main() {\n\thttp.HandleFunc(\"/\", func(w http.ResponseWriter, r *http.Request) {\n" +
		"\t\ttags, _, err := language.ParseAcceptLanguage(r.Header.Get(\"Accept-Language\"))\n" +
		"\t\ttoken, _ := jwt.Parse(r.Header.Get(\"Authorization\"), nil)\n\t\tfmt.Fprintln(w, tags, err, token)\n\t})\n" +
		"\tpanic(http.ListenAndServe(\":8080\", nil))\n}\n",
}

// built builds a source with a pin and returns the image for linux/amd64.
func built(t *testing.T, src, pin string) v1.Image {
	t.Helper()
	out := t.TempDir()
	digestOf(t, rig.Run(t, "", environment(t), slipway(t), "build", "--engine", "local", "--src", src,
		"--builder", pin, "--base", "builtin", "--platform", "linux/amd64", "--output", out))
	idx := readLayout(t, filepath.Join(out, filepath.Base(src)))
	m, err := idx.IndexManifest()
	require.NoError(t, err)
	img, err := idx.Image(m.Manifests[0].Digest)
	require.NoError(t, err)
	return img
}

// write makes a git repository of files.
func write(t *testing.T, name string, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	for file, text := range files {
		file = filepath.Join(dir, filepath.FromSlash(file))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	git(t, dir, "init", "--quiet", "--initial-branch=main")
	git(t, dir, "add", "--all")
	git(t, dir, "commit", "--quiet", "--message="+name)
	return dir
}

// add lays one more layer over an image.
func add(t *testing.T, img v1.Image, files ...tar.Header) func(texts ...string) v1.Image {
	t.Helper()
	return func(texts ...string) v1.Image {
		var out bytes.Buffer
		archive := tar.NewWriter(&out)
		for i, h := range files {
			h.Typeflag, h.Size = tar.TypeReg, int64(len(texts[i]))
			require.NoError(t, archive.WriteHeader(&h))
			_, err := io.WriteString(archive, texts[i])
			require.NoError(t, err)
		}
		require.NoError(t, archive.Close())
		config, err := img.ConfigFile()
		require.NoError(t, err)
		config.OS, config.Architecture = "linux", "amd64"
		img, err = mutate.ConfigFile(img, config)
		require.NoError(t, err)
		more, err := mutate.AppendLayers(img, static.NewLayer(out.Bytes(), types.OCIUncompressedLayer))
		require.NoError(t, err)
		return more
	}
}

// fetched is the scanner's cache folder with a database of the real advisories.
func fetched(t *testing.T) *scan.Database {
	t.Helper()
	now := time.Now().UTC()
	a := rig.NewArtifact(t, rig.MakeDatabase(t, now.Add(-time.Hour), rig.Advisories()...), "")
	db, err := scan.Fetch(t.Context(), scan.Request{
		Repositories: []string{a.Serve(t, rig.NoTrouble, nil) + "/trivy-db"}, Cache: t.TempDir(), Age: 72 * time.Hour,
	})
	require.NoError(t, err)
	return db
}

// scanned lets the real scanner look at an image in a folder of its own, and changes
// that folder and the environment before.
func scanned(t *testing.T, img v1.Image, change func(dir string), env ...string) engine.Scanned {
	t.Helper()
	dir := t.TempDir()
	p, err := layout.Write(filepath.Join(dir, "image"), empty.Index)
	require.NoError(t, err)
	require.NoError(t, p.AppendImage(img))
	require.NoError(t, os.Symlink(fetched(t).Folder, filepath.Join(dir, "cache")))
	if change != nil {
		change(dir)
	}
	r := rig.Run(t, dir, append([]string{"HOME=" + dir}, env...), rig.Trivy(t), scan.Args(5*time.Minute)...)
	report, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if r.Code == 0 {
		require.NoError(t, err, r.Stderr)
	}
	return engine.Scanned{Report: report, Code: r.Code, Lines: strings.Split(r.Stderr, "\n")}
}

func expected(module, program, release string) scan.Expect {
	return scan.Expect{Image: "x", Platform: "linux/amd64", MainModule: module, Release: release, Programs: []string{program}}
}

// names are the findings in one line each.
func names(list []finding.Finding) []string {
	out := []string{}
	for _, f := range list {
		line := string(f.Severity) + " " + f.ID
		if f.Package != nil {
			line += " " + f.Package.Kind + " " + f.Package.Name + " " + f.Package.Installed + " -> " + strings.Join(f.Package.Fixed, ", ")
		}
		out = append(out, strings.Join(append([]string{line}, f.Paths...), " "))
	}
	return out
}

// The real scanner finds in the sample what its Go release has, and moving the pin as
// the finding says is the fix.
func TestScan_MovingThePinIsTheFix(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	src := fixture(t)
	list, err := scan.Parse(scanned(t, built(t, src, earlier), nil), expected("example.com/tide", "app/tide", "go1.26.8"))
	require.NoError(t, err)
	require.Equal(t, []string{
		"unknown CVE-2026-56866 stdlib stdlib v1.26.8 -> 1.26.9, 1.27.2 /app/tide",
		"high CVE-2026-78667 stdlib stdlib v1.26.8 -> 1.26.9, 1.27.2 /app/tide",
	}, names(list))
	require.Equal(t, []string{"GO-2026-6609"}, list[1].Aliases)
	pin, err := plan.ParsePin(earlier)
	require.NoError(t, err)
	require.Equal(t, "build with Go 1.26.9: pin golang:1.26.9-alpine as the builder",
		scan.Fix(list[1], plan.Image{Builder: pin, Mains: []plan.Main{{Name: "tide"}}}))

	list, err = scan.Parse(scanned(t, built(t, src, builder), nil), expected("example.com/tide", "app/tide", "go1.26.9"))
	require.NoError(t, err)
	require.Empty(t, list)
}

// One image with a finding of every kind: the standard library, modules with and
// without a rating that matters, a package of the distribution that nobody has fixed,
// and secrets in a file and in the configuration.
func TestScan_TellsTheKindsApart(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	img := kinds(t)
	said := scanned(t, img, nil)
	want := expected("example.com/sounding", "app/sounding", "go1.26.8")
	list, err := scan.Parse(said, want)
	require.NoError(t, err)
	require.Equal(t, []string{
		"critical secret/aws-access-key-id /etc/credentials",
		"critical secret/github-pat",
		"low CVE-2005-2541 deb tar 1.35+dfsg-3.1 -> ",
		"high CVE-2022-32149 gomod golang.org/x/text v0.3.7 -> 0.3.8 /app/sounding",
		"low CVE-2024-51744 gomod github.com/golang-jwt/jwt/v4 v4.5.0 -> 4.5.1 /app/sounding",
		"unknown CVE-2026-56866 stdlib stdlib v1.26.8 -> 1.26.9, 1.27.2 /app/sounding",
		"high CVE-2026-78667 stdlib stdlib v1.26.8 -> 1.26.9, 1.27.2 /app/sounding",
	}, names(list))

	t.Run("whatever settings lie about", func(t *testing.T) {
		again := scanned(t, img, func(dir string) {
			for name, text := range map[string]string{
				"trivy.yaml":        "severity: [LOW]\nexit-code: 3\nscan:\n  scanners: [license]\nignorefile: .trivyignore\n",
				".trivyignore":      "CVE-2026-78667\nCVE-2022-32149\naws-access-key-id\n",
				".trivyignore.yaml": "vulnerabilities:\n  - id: CVE-2026-78667\n",
				"trivy-secret.yaml": "disable-rules: [aws-access-key-id, github-pat]\n",
			} {
				require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
			}
		}, "TRIVY_EXIT_CODE=0", "TRIVY_SEVERITY=LOW", "TRIVY_IGNOREFILE=.trivyignore", "TRIVY_CONFIG=trivy.yaml",
			"TRIVY_SECRET_CONFIG=trivy-secret.yaml", "TRIVY_SCANNERS=license", "TRIVY_LIST_ALL_PKGS=false", "TRIVY_FORMAT=table")
		same, err := scan.Parse(again, want)
		require.NoError(t, err)
		require.Equal(t, list, same)
	})
}

const (
	tarPackage = "Package: tar\nStatus: install ok installed\nVersion: 1.35+dfsg-3.1\nArchitecture: amd64\nMaintainer: Debian <debian@example.com>\nSource: tar\nDescription: archives\n"
	debian     = "PRETTY_NAME=\"Distroless\"\nNAME=\"Debian GNU/Linux\"\nID=\"debian\"\nVERSION_ID=\"13\"\n"
	// What follows looks like secrets and is none.
	keyID = "AKIA" + "QX7MZ3TB5LKW2NRD"
	pat   = "ghp_" + "q7Wm2Zk9Rt4Xv1Lb6Nc8Ys3Hd5Jf0Gp7TuEa"
)

func kinds(t *testing.T) v1.Image {
	t.Helper()
	img := built(t, write(t, "sounding", sounding), earlier)
	img = add(t, img, tar.Header{Name: "etc/os-release", Mode: 0o644}, tar.Header{Name: "etc/debian_version", Mode: 0o644},
		tar.Header{Name: "var/lib/dpkg/status.d/tar", Mode: 0o644}, tar.Header{Name: "etc/credentials", Mode: 0o644},
	)(debian, "13.1\n", tarPackage, "first\naws_access_key_id = \""+keyID+"\"\n")
	config, err := img.ConfigFile()
	require.NoError(t, err)
	config.Config.Env = append(config.Config.Env, "TOKEN="+pat)
	img, err = mutate.ConfigFile(img, config)
	require.NoError(t, err)
	return img
}

// What the scanner passes over without a word is no pass.
func TestScan_APassNeedsTheProgramSeen(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	img := built(t, fixture(t), earlier)
	program := fileOf(t, img, "app/tide")
	const magic = "\xff Go buildinf:"
	require.Contains(t, program, magic)
	for name, tc := range map[string]struct {
		mode int64
		text func(t *testing.T) string
	}{
		"without build information": {0o755, func(*testing.T) string {
			return strings.ReplaceAll(program, magic, strings.Repeat("x", len(magic)))
		}},
		"not executable":  {0o644, func(*testing.T) string { return program }},
		"packed by UPX":   {0o755, func(t *testing.T) string { return rig.Pack(t, program) }},
		"another program": {0o755, func(*testing.T) string { return "#!/bin/sh\n" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said := scanned(t, add(t, empty.Image, tar.Header{Name: "app/tide", Mode: tc.mode})(tc.text(t)), nil)
			_, err := scan.Parse(said, expected("example.com/tide", "app/tide", "go1.26.8"))
			require.Equal(t, fault.Unjudged, fault.KindOf(err))
			require.ErrorContains(t, err, "the scanner saw no Go binary in /app/tide")
		})
	}
}

// fileOf is the content of a file in an image.
func fileOf(t *testing.T, img v1.Image, name string) string {
	t.Helper()
	content := mutate.Extract(img)
	defer content.Close()
	archive := tar.NewReader(content)
	for {
		h, err := archive.Next()
		require.NoError(t, err, name)
		if strings.TrimPrefix(h.Name, "/") == name {
			text, err := io.ReadAll(archive)
			require.NoError(t, err)
			return string(text)
		}
	}
}

// The database comes from a real registry as an artifact, after others were of no use.
func TestScan_DatabaseComesFromARealRegistry(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	now := time.Now().UTC()
	a := rig.NewArtifact(t, rig.MakeDatabase(t, now.Add(-time.Hour), rig.Advisories()...), "")
	address := rig.Registry(t)
	a.Push(t, address, "aquasecurity/trivy-db")
	r := scan.Request{Cache: t.TempDir(), Age: 24 * time.Hour, Repositories: scan.Repositories(), Wait: time.Minute, Mirrors: map[string]string{
		"mirror.gcr.io": a.Serve(t, rig.TooMany, nil), "ghcr.io": a.Serve(t, rig.SelfSigned, nil), "public.ecr.aws": address,
	}}
	db, err := scan.Fetch(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, "public.ecr.aws/aquasecurity/trivy-db", db.Repository)
	require.Equal(t, a.Digest, db.Digest)

	r.Cache, r.Mirrors["public.ecr.aws"] = t.TempDir(), a.Serve(t, rig.Refused, nil)
	_, err = scan.Fetch(t.Context(), r)
	var told *fault.Error
	require.ErrorAs(t, err, &told)
	require.Equal(t, fault.Unjudged, told.Kind)
	require.Len(t, told.Detail, 3)
	require.True(t, slices.IsSortedFunc(told.Detail, func(a, b string) int {
		return slices.IndexFunc(scan.Repositories(), func(r string) bool { return strings.HasPrefix(a, r) }) -
			slices.IndexFunc(scan.Repositories(), func(r string) bool { return strings.HasPrefix(b, r) })
	}), told.Detail)
}
