package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/cli"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	require.NoError(t, err)
	return string(text)
}

func TestReadme_ListsTheVerbsThatThereAre(t *testing.T) {
	t.Parallel()
	var help bytes.Buffer
	cmd := cli.Command{Stdin: strings.NewReader(""), Stdout: &help, Stderr: &help, Dir: t.TempDir()}
	require.Zero(t, cmd.Run(t.Context(), []string{"--help"}))
	_, list, _ := strings.Cut(help.String(), "Available Commands:\n")
	list, _, _ = strings.Cut(list, "\n\n")
	verbs := map[string]bool{}
	for line := range strings.Lines(list) {
		if verb := strings.Fields(line)[0]; verb != "help" {
			verbs[verb] = true
		}
	}
	_, section, _ := strings.Cut(readme(t), "## Verbs")
	section, _, _ = strings.Cut(section, "\n## ")
	told := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)[^`]*` \\|").FindAllStringSubmatch(section, -1) {
		told[m[1]] = true
	}
	require.Equal(t, verbs, told)
}

func TestReadme_ListsTheExitCodesThatThereAre(t *testing.T) {
	t.Parallel()
	var want strings.Builder
	for _, c := range cli.ExitCodes() {
		fmt.Fprintf(&want, "| %d | %s |\n", c.Code, c.Meaning)
	}
	require.Contains(t, readme(t), "| code | meaning |\n|---|---|\n"+want.String()+"\n")
}

func TestReadme_HasTheTestCommandThatCIRuns(t *testing.T) {
	t.Parallel()
	const command = "go test -timeout 60m ./..."
	run, err := os.ReadFile(filepath.Join("..", "..", ".ci", "run"))
	require.NoError(t, err)
	require.Contains(t, readme(t), "\n"+command+"\n")
	require.Contains(t, string(run), command)
}
