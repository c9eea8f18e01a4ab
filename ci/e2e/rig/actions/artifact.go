package actions

import (
	"archive/zip"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// uploadArtifact packs files as GitHub does: by their paths below the folder that the
// patterns have in common.
// https://github.com/actions/upload-artifact#upload-using-multiple-paths-and-exclusions
func uploadArtifact(_ context.Context, t *turn) error {
	name := cmp.Or(t.step.With["name"], "artifact")
	if strings.ContainsAny(name, "\":<>|*?\r\n\\/") {
		return failed("The artifact name is not valid: %s", name)
	}
	overwrite, err := t.on("overwrite", false)
	if err != nil {
		return err
	}
	old := slices.IndexFunc(t.instance.result.Artifacts, func(a Artifact) bool { return a.Name == name })
	if old >= 0 && !overwrite {
		return failed("Failed to CreateArtifact: Received non-retryable error: an artifact with this name already exists on the workflow run: %s", name)
	}
	hidden, err := t.on("include-hidden-files", false)
	if err != nil {
		return err
	}
	found, root, err := search(t.result.Workspace, t.step.With["path"], hidden)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return t.nothing()
	}
	file := filepath.Join(t.Work, "artifacts", name+".zip")
	if err := pack(file, root, found); err != nil {
		return err
	}
	if old >= 0 {
		t.instance.result.Artifacts = slices.Delete(t.instance.result.Artifacts, old, old+1)
	}
	t.instance.result.Artifacts = append(t.instance.result.Artifacts, Artifact{name, file, t.result.ID})
	t.step.Outputs["artifact-id"] = "1"
	t.step.Outputs["artifact-url"] = "https://github.com/" + t.Repository + "/actions/runs/1234567890/artifacts/1"
	return nil
}

// nothing is when no file matches.
func (t *turn) nothing() error {
	text := "No files were found with the provided path: " + t.step.With["path"] + ". No artifacts will be uploaded."
	switch cmp.Or(t.step.With["if-no-files-found"], "warn") {
	case "warn":
		t.log.line("::warning::" + strings.ReplaceAll(text, "\n", "%0A"))
	case "error":
		return failed("%s", text)
	case "ignore":
	default:
		return failed("Unrecognized if-no-files-found input")
	}
	return nil
}

// search finds the files of some patterns, one a line, and the folder that they share.
func search(workspace, patterns string, hidden bool) (found []string, root string, err error) {
	var starts []string
	for pattern := range strings.Lines(patterns) {
		if pattern = strings.TrimSpace(pattern); pattern == "" {
			continue
		}
		plain, exclude := strings.CutPrefix(pattern, "!")
		if strings.ContainsAny(plain, "~[]{}") {
			return nil, "", errors.New("path: the pattern " + pattern + " is not known here")
		}
		if !filepath.IsAbs(plain) {
			plain = filepath.Join(workspace, plain)
		}
		start := plain
		for strings.ContainsAny(start, "*?") {
			start = filepath.Dir(start)
		}
		matches, err := walk(start, strings.TrimSuffix(plain, "/"), hidden)
		switch {
		case err != nil:
			return nil, "", err
		case exclude:
			found = slices.DeleteFunc(found, func(f string) bool { return slices.Contains(matches, f) })
		default:
			starts = append(starts, start)
			found = append(found, matches...)
		}
	}
	slices.Sort(found)
	found = slices.Compact(found)
	return found, commonFolder(starts, found), nil
}

// commonFolder is what paths in the zip are relative to.
func commonFolder(starts, found []string) string {
	if len(starts) == 0 {
		return ""
	}
	if len(starts) == 1 && len(found) == 1 && starts[0] == found[0] {
		return filepath.Dir(found[0])
	}
	root := starts[0]
	for _, start := range starts[1:] {
		for root != "/" && start != root && !strings.HasPrefix(start, root+"/") {
			root = filepath.Dir(root)
		}
	}
	// Two patterns for files share the folder of the files.
	if slices.Contains(found, root) {
		root = filepath.Dir(root)
	}
	return root
}

// walk finds the files that a pattern names, and all in the folders that it names.
func walk(start, pattern string, hidden bool) ([]string, error) {
	var found []string
	err := filepath.WalkDir(start, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return err
		}
		if !hidden && name != start && strings.HasPrefix(d.Name(), ".") {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		info, err := os.Stat(name)
		if err != nil || info.IsDir() {
			return nil
		}
		for part := name; len(part) >= len(start); part = filepath.Dir(part) {
			if ok, err := doublestar.Match(pattern, part); err != nil || ok {
				found = append(found, name)
				return err
			}
		}
		return nil
	})
	return found, err
}

// pack writes a zip file. The mode of the files is lost, as on GitHub.
func pack(file, root string, found []string) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	archive := zip.NewWriter(out)
	for _, name := range found {
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		entry, err := archive.Create(filepath.ToSlash(rel))
		if err != nil {
			return err
		}
		in, err := os.Open(name)
		if err != nil {
			return err
		}
		_, err = io.Copy(entry, in)
		if err := errors.Join(err, in.Close()); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), out.Close())
}

// downloadArtifact unpacks the one artifact of a name, which another job uploaded.
func downloadArtifact(_ context.Context, t *turn) error {
	artifact := t.instance.result.Artifact(t.step.With["name"])
	if artifact == nil {
		return failed("Unable to download artifact(s): Artifact not found for name: %s", t.step.With["name"])
	}
	archive, err := zip.OpenReader(artifact.File)
	if err != nil {
		return err
	}
	dir := t.step.With["path"]
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(t.result.Workspace, filepath.FromSlash(dir))
	}
	t.step.Outputs["download-path"] = dir
	return errors.Join(os.CopyFS(dir, archive), archive.Close())
}
