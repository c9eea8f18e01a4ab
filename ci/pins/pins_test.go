package pins_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/pins"
	"example.com/slipway/ci/plan"
)

const (
	digestA = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	digestB = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	golang  = "golang:1.26.9-alpine@" + digestA
	static  = "gcr.io/distroless/static-debian13:nonroot@" + digestB
)

var (
	builder = plan.Pin{Name: "golang", Tag: "1.26.9-alpine", Digest: digestA}
	base    = plan.Pin{Name: "gcr.io/distroless/static-debian13", Tag: "nonroot", Digest: digestB}
)

// folder returns a source folder with a Dockerfile of these lines.
func folder(t *testing.T, lines ...string) string {
	t.Helper()
	dir := t.TempDir()
	text := strings.Join(lines, "\n") + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o600))
	return dir
}

func TestRead_TakesTheFirstAndTheLastFrom(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"plain":             {pins.Mark, "FROM " + golang + " AS build", "FROM " + static},
		"mark at the end":   {"FROM " + golang, "FROM " + static, pins.Mark},
		"mark indented":     {"\t " + pins.Mark + "  ", "FROM " + golang, "FROM " + static},
		"byte order mark":   {"\ufeff" + pins.Mark, "FROM " + golang, "FROM " + static},
		"carriage returns":  {pins.Mark + "\r", "FROM " + golang + " AS build\r", "FROM " + static + "\r"},
		"any case":          {pins.Mark, "from " + golang + " as Build", "FrOm " + static},
		"platform flag":     {pins.Mark, "FROM --platform=$BUILDPLATFORM " + golang + " AS build", "FROM " + static},
		"mark in a RUN":     {"FROM " + golang, `RUN a \`, pins.Mark, "  b", "FROM " + static},
		"parser directives": {"# syntax=docker/dockerfile:1", "# escape=`", pins.Mark, "FROM ` ", golang + " AS build", `RUN dir c:\`, "FROM " + static},
		"heredoc with a FROM": {
			pins.Mark, "FROM " + golang, "COPY <<EOF /Dockerfile", pins.Mark, "FROM alpine:latest", "EOF", "FROM " + static,
		},
		"stages between": {
			pins.Mark, "ARG X=1", "FROM " + golang + " AS build", "FROM BUILD AS test", "FROM scratch AS out", "FROM " + static,
		},
	}
	for name, lines := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := pins.Read(folder(t, lines...))
			require.NoError(t, err)
			require.Equal(t, pins.Pins{Builder: builder, Base: base, From: "Dockerfile"}, got)
		})
	}
}

func TestRead_TakesScratchAsABase(t *testing.T) {
	t.Parallel()
	got, err := pins.Read(folder(t, pins.Mark, "FROM "+golang+" AS build", "FROM scratch"))
	require.NoError(t, err)
	require.Equal(t, plan.Pin{Name: pins.Scratch}, got.Base)
}

func TestRead_RefusesWhatPinsNothing(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		lines []string
		want  string
	}{
		{"no FROM", []string{"RUN a", pins.Mark}, "Dockerfile:2: the file declares pins and has 0 of the two FROM lines"},
		{"one FROM", []string{pins.Mark, "FROM " + golang}, "Dockerfile:1: the file declares pins and has 1 of the two FROM lines"},
		{"builder by tag", []string{pins.Mark, "FROM golang:1.26.9", "FROM " + static}, `Dockerfile:2: "golang:1.26.9" has no digest`},
		{"base by tag", []string{pins.Mark, "FROM " + golang, "", "FROM alpine"}, `Dockerfile:4: "alpine" has no digest`},
		{"image between by tag", []string{pins.Mark, "FROM " + golang, "FROM node:22 AS web", "FROM " + static}, `Dockerfile:3: "node:22" has no digest`},
		{"short digest", []string{pins.Mark, "FROM " + golang, "FROM alpine@sha256:abc"}, `Dockerfile:3: "alpine@sha256:abc" has a malformed digest`},
		{"quoted", []string{pins.Mark, `FROM "` + golang + `"`, "FROM " + static}, "Dockerfile:2: "},
		{"variable", []string{"ARG V=1.26.9", pins.Mark, "FROM golang:${V}", "FROM " + static}, `Dockerfile:3: "golang:${V}" holds a variable`},
		{"variable and digest", []string{pins.Mark, "FROM golang:$V@" + digestA, "FROM " + static}, "Dockerfile:2: "},
		{"long reference", []string{pins.Mark, "FROM " + strings.Repeat("a", 9999), "FROM " + static}, "Dockerfile:2: the image reference is longer than 512 bytes"},
		{"base is a stage", []string{pins.Mark, "FROM " + golang + " AS build", "FROM Build"}, `Dockerfile:3: the base, the last FROM, is the stage "Build"`},
		{"base is a stage named scratch", []string{pins.Mark, "FROM " + golang + " AS scratch", "FROM scratch"}, "Dockerfile:3: the base, the last FROM, is the stage"},
		{"builder is scratch", []string{pins.Mark, "FROM scratch AS build", "FROM " + static}, "Dockerfile:2: the builder, the first FROM, is scratch"},
		{"unknown flag", []string{pins.Mark, "FROM --pull=always " + golang, "FROM " + static}, `Dockerfile:2: FROM has the unknown flag "--pull=always"`},
		{"AS without a name", []string{pins.Mark, "FROM " + golang + " AS", "FROM " + static}, "Dockerfile:2: FROM does not have the form"},
		{"another word", []string{pins.Mark, "FROM " + golang + " IS build", "FROM " + static}, "Dockerfile:2: FROM does not have the form"},
		{"empty FROM", []string{pins.Mark, "FROM", "FROM " + static}, "Dockerfile:2: "},
		{"unterminated heredoc", []string{pins.Mark, "FROM " + golang, "RUN <<EOF", "FROM " + static}, "Dockerfile:3: the file declares pins and is not a Dockerfile"},
		{"wrong escape", []string{"# escape=x", pins.Mark, "FROM " + golang}, "Dockerfile:1: the file declares pins and is not a Dockerfile"},
		{"only the mark", []string{pins.Mark}, "Dockerfile:1: the file declares pins and is not a Dockerfile"},
		{"too large", []string{"", pins.Mark, strings.Repeat("#\n", 1<<19)}, "Dockerfile:2: the file declares pins and is larger than 1 MiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := pins.Read(folder(t, tt.lines...))
			f, ok := errors.AsType[*fault.Error](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, fault.Usage, f.Kind)
			require.Contains(t, f.What, tt.want)
			require.NotEmpty(t, f.Fix)
			require.Less(t, len(f.What), 800)
		})
	}
}

func TestRead_FallsBackToItsOwnPinsAndSaysSo(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		lines []string
		note  string
	}{
		{"no mark", []string{"FROM golang:latest", "FROM alpine"}, "does not carry the comment"},
		{"no Dockerfile at all", []string{"\x00\xff RUN <<E"}, "does not carry the comment"},
		{"another comment", []string{"#slipway:pins", "# slipway:pins please", "FROM a"}, "does not carry the comment"},
		{"mark behind an instruction", []string{"FROM a " + pins.Mark}, "does not carry the comment"},
		{"mark in a heredoc", []string{"FROM a", "COPY <<-'X' /f", pins.Mark, "X"}, "does not carry the comment"},
		{"too large without a mark", []string{strings.Repeat("#\n", 1<<19), pins.Mark}, "larger than 1 MiB"},
	}
	own, err := pins.Read(t.TempDir())
	require.NoError(t, err)
	require.Equal(t, []string{"the source folder has no Dockerfile: builder and base are Slipway's own pins"}, own.Notes)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := pins.Read(folder(t, tt.lines...))
			require.NoError(t, err)
			require.Len(t, got.Notes, 1)
			require.Contains(t, got.Notes[0], tt.note)
			require.Equal(t, pins.Pins{Builder: own.Builder, Base: own.Base, From: pins.Embedded, Notes: got.Notes}, got)
		})
	}
}

func TestRead_DoesNotFollowWhatIsNoRegularFile(t *testing.T) {
	t.Parallel()
	tests := map[string]func(path string) error{
		"folder":  func(path string) error { return os.Mkdir(path, 0o700) },
		"symlink": func(path string) error { return os.Symlink(folder(t, pins.Mark)+"/Dockerfile", path) },
		"pipe":    makePipe,
	}
	for name, create := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, create(filepath.Join(dir, "Dockerfile")))
			got, err := pins.Read(dir)
			require.NoError(t, err)
			require.Equal(t, pins.Embedded, got.From)
			require.Equal(t, []string{"the Dockerfile is not a regular file and is not read: builder and base are Slipway's own pins"}, got.Notes)
		})
	}
}

func TestRead_TellsNamesByCaseEverywhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "dockerfile"), []byte(pins.Mark), 0o600))
	got, err := pins.Read(dir)
	require.NoError(t, err)
	require.Equal(t, pins.Embedded, got.From)
}

func TestRead_RefusesAFolderThatIsNotThere(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "gone")
	_, err := pins.Read(dir)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.Equal(t, fault.Usage, fault.KindOf(err))
	require.NotContains(t, err.Error(), dir)
}

func TestPins_GoVersion(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"1.26.9":              "1.26.9",
		"1.26.9-alpine":       "1.26.9",
		"1.26.9-alpine3.24":   "1.26.9",
		"1.27rc1":             "1.27rc1",
		"1.27rc1-alpine3.24":  "1.27rc1",
		"1.27beta2-bookworm":  "1.27beta2",
		"1.26-alpine":         "",
		"1.26":                "",
		"1.26.09":             "",
		"1.26.9rc1":           "",
		"1.26.9.1":            "",
		"latest":              "",
		"alpine3.24":          "",
		"v1.26.9":             "",
		"":                    "",
		"01.26.9":             "",
		"1.26.9_alpine":       "",
		"1.99999999999999999": "",
	}
	for tag, want := range tests {
		t.Run(tag, func(t *testing.T) {
			t.Parallel()
			got, err := pins.Pins{Builder: plan.Pin{Name: "golang", Tag: tag, Digest: digestA}, From: "Dockerfile"}.GoVersion()
			require.Equal(t, want, got)
			if want != "" {
				require.NoError(t, err)
				return
			}
			f, ok := errors.AsType[*fault.Error](err)
			require.True(t, ok)
			require.Equal(t, fault.Usage, f.Kind)
			require.Contains(t, f.Fix, "golang:1.26.9-alpine@sha256:")
		})
	}
}

func TestScanner_IsThePinOfTheEmbeddedDockerfile(t *testing.T) {
	t.Parallel()
	got, err := pins.Scanner()
	require.NoError(t, err)
	require.Contains(t, fromLines(t, "Dockerfile"), "FROM "+got.String()+" AS scanner\n")
	require.NotEmpty(t, got.Tag)
	require.NotEmpty(t, got.Digest)
}

// A source that names a scanner of its own is read as if it did not.
func TestScanner_IsNotTheSources(t *testing.T) {
	t.Parallel()
	own, err := pins.Scanner()
	require.NoError(t, err)
	dir := folder(t, pins.Mark, "FROM "+golang+" AS build", "FROM evil.example/trivy:0.74.0@"+digestA+" AS scanner", "FROM "+static)
	got, err := pins.Read(dir)
	require.NoError(t, err)
	require.Equal(t, pins.Pins{Builder: builder, Base: base, From: "Dockerfile"}, got)
	require.NotEqual(t, "evil.example/trivy", own.Name)
}

// The two declarations of this repository are one: what the sample service is made
// of is what every other service gets.
func TestEmbedded_PinsWhatTheRepositoryPins(t *testing.T) {
	t.Parallel()
	own := slices.DeleteFunc(fromLines(t, "Dockerfile"), func(line string) bool { return strings.HasSuffix(line, " AS scanner\n") })
	require.Len(t, own, 2)
	require.Equal(t, fromLines(t, "../../Dockerfile"), own)
	root, err := pins.Read("../..")
	require.NoError(t, err)
	require.Empty(t, root.Notes)
}

func TestEmbedded_IsADeclarationOfAFullRelease(t *testing.T) {
	t.Parallel()
	got, err := pins.Read(".")
	require.NoError(t, err)
	require.Equal(t, "Dockerfile", got.From)
	require.Empty(t, got.Notes)
	release, err := got.GoVersion()
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(got.Builder.Tag, release))
}

func fromLines(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var found []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "FROM ") {
			found = append(found, line)
		}
	}
	return found
}
