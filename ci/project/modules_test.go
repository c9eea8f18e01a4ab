package project_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/project"
)

const tide = "module example.com/tide\n\ngo 1.26.0\n"

func TestRead_AllowsReplaceInsideTheTree(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		replace string
		links   map[string]string
		git     bool
		refused bool
	}{
		"released module":                {replace: "example.com/other v1.2.3"},
		"below the module":               {replace: "./lib"},
		"the module itself":              {replace: "./"},
		"beside, in the repository":      {replace: "../lib", git: true},
		"beside, without a repository":   {replace: "../lib", refused: true},
		"above the repository":           {replace: "../../lib", git: true, refused: true},
		"the root of the machine":        {replace: "/", git: true, refused: true},
		"back into the module":           {replace: "../svc/lib"},
		"absent, inside":                 {replace: "./absent/lib"},
		"absent, outside":                {replace: "../../absent/lib", git: true, refused: true},
		"a link out of the repository":   {replace: "./away", links: map[string]string{"away": "../.."}, git: true, refused: true},
		"a module file by a link":        {replace: "./own", links: map[string]string{"own/go.mod": "../../../secret"}, git: true, refused: true},
		"through a link":                 {replace: "./away/lib", links: map[string]string{"away": "../.."}, git: true, refused: true},
		"absent behind a link":           {replace: "./away/absent", links: map[string]string{"away": "/"}, git: true, refused: true},
		"a link that stays inside":       {replace: "./near", links: map[string]string{"near": "../lib"}, git: true},
		"outside by name, inside by one": {replace: "./a/lib", links: map[string]string{"a": ".."}, git: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			top := folder(t, files{
				"repo/svc/go.mod":     tide + "\nreplace example.com/lib => " + tt.replace + "\n",
				"repo/svc/main.go":    program,
				"repo/svc/lib/go.mod": "module example.com/lib\n",
				"repo/lib/go.mod":     "module example.com/lib\n",
			})
			svc := filepath.Join(top, "repo", "svc")
			require.NoError(t, os.Mkdir(filepath.Join(svc, "own"), 0o755))
			write(t, top, files{"secret": "x"})
			for link, target := range tt.links {
				require.NoError(t, os.Symlink(target, filepath.Join(svc, link)))
			}
			if tt.git {
				gitIn(t, filepath.Join(top, "repo"), "init", "-q")
			}
			p, err := read(t, svc)
			if tt.refused {
				said := usage(t, err)
				require.Contains(t, said, "go.mod:5: example.com/lib is replaced by "+tt.replace)
				require.Contains(t, said, "lies outside")
				return
			}
			require.NoError(t, err)
			require.Equal(t, []string{"."}, dirs(p.Mains))
			require.Equal(t, svc, p.ModuleFolders[0])
		})
	}
}

func TestRead_NamesTheFoldersOfAllModulesThatCount(t *testing.T) {
	t.Parallel()
	dir := repo(t, files{
		"go.work": "use (\n\t./svc\n\t./lib\n)\nreplace example.com/c => ./c\n", "svc/main.go": program, "lib/go.mod": "module example.com/lib\n",
		"svc/go.mod": tide + "replace example.com/lib => ../lib\nreplace example.com/b => ../b\nreplace example.com/d => example.com/e v1.0.0\n",
	})
	var got []string
	for _, folder := range mustRead(t, filepath.Join(dir, "svc")).ModuleFolders {
		got = append(got, filepath.Base(folder))
	}
	require.Equal(t, []string{"svc", "lib", "b", "c"}, got)
}

func TestRead_IgnoresReplaceOfDependencies(t *testing.T) {
	t.Parallel()
	dir := folder(t, files{
		"go.mod":     tide + "\nreplace example.com/lib => ./lib\n",
		"main.go":    program,
		"lib/go.mod": "module example.com/lib\n\nreplace example.com/x => ../../elsewhere\n",
	})
	require.Equal(t, []string{"."}, dirs(mustRead(t, dir).Mains))
}

func TestRead_TakesTheWorkspaceOfTheRepository(t *testing.T) {
	t.Parallel()
	all := files{
		"go.work":                "go 1.26.3\n\ntoolchain go1.26.9\n\nuse (\n\t./svc\n\t./lib\n)\n",
		"svc/go.mod":             tide,
		"svc/main.go":            program,
		"lib/go.mod":             "module example.com/lib\n",
		"lib/cmd/x/main.go":      program,
		"vendor/modules.txt":     "",
		"other/go.mod":           "module example.com/other\n\ngo 1.25.0\n",
		"other/main.go":          program,
		"svc/vendor/modules.txt": "",
	}
	t.Run("that uses the module", func(t *testing.T) {
		t.Parallel()
		dir := folder(t, all)
		gitIn(t, dir, "init", "-q")
		p := mustRead(t, filepath.Join(dir, "svc"))
		require.Equal(t, filepath.Join(dir, "go.work"), p.Workspace)
		require.Equal(t, dir, p.TreeRoot)
		require.Equal(t, "1.26.3", p.GoVersion)
		require.Equal(t, "go1.26.9", p.Toolchain)
		require.True(t, p.Vendor)
		require.Equal(t, []string{"."}, dirs(p.Mains), "programs of other modules are beside the source folder")
	})
	t.Run("that does not use the module", func(t *testing.T) {
		t.Parallel()
		dir := folder(t, all)
		gitIn(t, dir, "init", "-q")
		p := mustRead(t, filepath.Join(dir, "other"))
		require.Empty(t, p.Workspace)
		require.Equal(t, "1.25.0", p.GoVersion)
		require.False(t, p.Vendor)
		require.Contains(t, p.Notes[0], "does not use this module")
	})
	t.Run("not one from outside the source tree", func(t *testing.T) {
		t.Parallel()
		p := mustRead(t, filepath.Join(folder(t, all), "svc"))
		require.Empty(t, p.Workspace)
		require.Equal(t, "1.26.0", p.GoVersion)
		require.True(t, p.Vendor, "the module's own vendor folder")
		require.Contains(t, p.Notes[0], "is not used, unlike by a plain go build")
	})
	t.Run("not one from above the repository", func(t *testing.T) {
		t.Parallel()
		dir := folder(t, all)
		gitIn(t, filepath.Join(dir, "svc"), "init", "-q")
		p := mustRead(t, filepath.Join(dir, "svc"))
		require.Empty(t, p.Workspace)
		require.Contains(t, p.Notes[0], "go.work lies outside the source folder "+filepath.Join(dir, "svc"))
	})
}

func TestRead_TakesProgramsOfTheWorkspacesModules(t *testing.T) {
	t.Parallel()
	all := files{
		"go.work":              "use (\n\t./svc\n\t./svc/nested\n\t./lib\n\t\"./svc\"\n)\n",
		"svc/go.mod":           "module example.com/tide/v2\n",
		"svc/main.go":          program,
		"svc/nested/go.mod":    "module example.com/nested\n",
		"svc/nested/a/main.go": program,
		"svc/unused/go.mod":    "module example.com/unused\n",
		"svc/unused/main.go":   program,
		"lib/go.mod":           "module example.com/lib\n",
		"lib/lib.go":           "package lib\n",
		"loose/main.go":        program,
	}
	want := []project.Main{
		{Dir: "./svc", Package: "example.com/tide/v2", Name: "tide"},
		{Dir: "./svc/nested/a", Package: "example.com/nested/a", Name: "a"},
	}
	p := mustRead(t, folder(t, all))
	require.Equal(t, want, p.Mains)
	require.Equal(t, filepath.Join(p.Root, "svc"), p.ModuleDir)
	require.Equal(t, "example.com/tide/v2", p.ModulePath)
	require.Equal(t, "1.18", p.GoVersion, "what a go.work without a go line means")
	require.Equal(t, filepath.Join(p.Root, "go.work"), p.Workspace)

	all["go.mod"] = "module example.com/top\n"
	all["go.work"] += "use .\n"
	p = mustRead(t, folder(t, all))
	require.Equal(t, append([]project.Main{{Dir: "./loose", Package: "example.com/top/loose", Name: "loose"}}, want...), p.Mains)
	require.Equal(t, "example.com/top", p.ModulePath)
}

func TestRead_RefusesAWorkspaceThatLeavesTheTree(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ work, lib, want string }{
		"use outside":        {"use .\nuse ../out\n", "", "go.work:2: the workspace uses ../out, which lies outside"},
		"use by a link":      {"use .\nuse ./away\n", "", "go.work:2: the workspace uses ./away, which lies outside"},
		"use without go.mod": {"use .\nuse ./none\n", "", "go.work:2: the workspace uses ./none, which has no go.mod"},
		"replace outside":    {"use .\nreplace example.com/x => ../out\n", "", "go.work:2: example.com/x is replaced by ../out"},
		"replace of a used module": {
			"use .\nuse ./lib\n", "replace example.com/x => ../../out\n", "lib/go.mod:2: example.com/x is replaced by ../../out",
		},
		"mistake": {"use .\nprot\n", "", "go.work:2: unknown directive"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			top := folder(t, files{
				"src/go.mod": tide, "src/main.go": program, "src/go.work": tt.work,
				"src/lib/go.mod": "module example.com/lib\n" + tt.lib, "out/go.mod": "module example.com/out\n",
			})
			require.NoError(t, os.Symlink("../out", filepath.Join(top, "src", "away")))
			_, err := read(t, filepath.Join(top, "src"))
			require.Contains(t, filepath.ToSlash(usage(t, err)), tt.want)
		})
	}
}

func TestRead_RefusesAnEmptyWorkspace(t *testing.T) {
	t.Parallel()
	_, err := read(t, folder(t, files{"go.work": "go 1.26.0\n", "main.go": program}))
	require.Contains(t, usage(t, err), "go.work uses no module")
}

func TestRead_TakesTheNewestGoLineOfTheWorkspace(t *testing.T) {
	t.Parallel()
	p := mustRead(t, folder(t, files{
		"go.work": "go 1.25.0\nuse (\n\t.\n\t./lib\n)\n", "go.mod": "module example.com/tide\n\ngo 1.24.0\n\ntoolchain go1.26.1\n", "main.go": program,
		"lib/go.mod": "module example.com/lib\n\ngo 1.26.2\n",
	}))
	require.Equal(t, "1.26.2", p.GoVersion)
	require.Empty(t, p.Toolchain, "in a workspace only its own toolchain line counts")
}

func TestRead_VersionsAWorkspaceAsAWhole(t *testing.T) {
	t.Parallel()
	dir := repo(t, files{"go.work": "go 1.26.0\nuse ./svc\n", "svc/go.mod": "module example.com/tide/v2\n", "svc/main.go": program})
	require.Equal(t, "v0.0.0-20260303220607-"+gitIn(t, dir, "rev-parse", "HEAD")[:12], mustRead(t, dir).Git.Version)
	gitIn(t, dir, "tag", "svc/v2.9.0")
	gitIn(t, dir, "tag", "v7.0.0")
	require.Equal(t, "v7.0.0", mustRead(t, dir).Git.Version)
	require.Equal(t, "v2.9.0", mustRead(t, filepath.Join(dir, "svc")).Git.Version)
}
