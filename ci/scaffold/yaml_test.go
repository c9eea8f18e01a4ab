package scaffold_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/scaffold"
)

// read is what a YAML parser makes of the files.
type read struct {
	config struct{ Main, Port yaml.Node }
	flow   struct {
		On struct {
			Push struct{ Branches, Tags, Paths []string }
		}
		Jobs map[string]struct {
			Steps []struct{ With map[string]string }
		}
	}
	updates struct {
		Updates []struct {
			Directory   string
			Directories []string
		}
	}
}

// Whatever a folder or a branch is called, the files say that and nothing else.
func FuzzFiles(f *testing.F) {
	for _, text := range []string{
		"tide", "a b", "a: b", "a #b", "- a", "*a", "&a", "!a", "%a", "@a", "`a`", "'a'", `"a"`, `a\b`, `a\`, "{a}", "[a]", "yes", "No", "null", "~", "1", "0x1f", "1e3",
		".inf", "2026-01-01", "?", "|", ">", "é", "\u2028", "\u0085", "\u00a0", "\ufeff", "a\nb", "😀", "<a>&", "${{ github.token }}", "$", "<<", "=", "a/b", "-",
	} {
		f.Add(text, text, text)
	}
	f.Fuzz(func(t *testing.T, folder, branch, main string) {
		facts := tide()
		facts.Folder, facts.Branch, facts.Main, facts.Modules, facts.Target = folder, branch, []string{main, "./b"}, []string{folder, "lib"}, "ghcr.io/"+branch
		list, err := scaffold.Files(facts)
		if err != nil {
			require.Equal(t, fault.Usage, fault.KindOf(err))
			return
		}
		var got read
		for _, file := range list {
			var into any
			switch {
			case strings.HasSuffix(file.Path, ".slipway.yaml"):
				into = &got.config
			case strings.HasSuffix(file.Path, "dependabot.yml"):
				into = &got.updates
			case strings.Contains(file.Path, "workflows/"):
				into = &got.flow
			default:
				continue
			}
			require.NoError(t, yaml.Unmarshal([]byte(file.Text), into), file.Text)
		}
		require.Equal(t, []string{literal(branch)}, got.flow.On.Push.Branches)
		steps := got.flow.Jobs["publish"].Steps
		require.Equal(t, "ghcr.io/"+branch, steps[1].With["target"])
		if folder != "." {
			require.Equal(t, folder, steps[1].With["src"])
			require.Contains(t, got.flow.On.Push.Paths, literal(folder)+"/**")
		}
		require.Len(t, got.config.Main.Content, 2)
		require.Equal(t, main, got.config.Main.Content[0].Value)
		require.Len(t, got.flow.Jobs, 2)
	})
}

// literal escapes what GitHub's patterns do not take as itself.
func literal(text string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "+", `\+`, "[", `\[`, "]", `\]`, "!", `\!`).Replace(text)
}
