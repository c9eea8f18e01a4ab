package dagger

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// Terminal is the command, with its environment, that opens a shell in a container of the
// builder: on the source tree, with the caches and settings of every go command. The
// dagger command makes it, because a session of the SDK has no terminal to offer.
func (e *Engine) Terminal(ctx context.Context) (argv, env []string, err error) {
	if err := e.reachable(ctx); err != nil {
		return nil, nil, err
	}
	cli, err := e.command(ctx)
	if err != nil {
		return nil, nil, err
	}
	env = e.surroundings()
	argv = []string{cli, "core", "container", "from", "--address=" + e.builder.Image.Name + "@" + e.builder.Image.Digest, "with-user", "--name=0:0"}
	for _, volume := range [][2]string{{modules, "slipway-go-mod"}, {objects, "slipway-go-build" + e.objects}} {
		argv = append(argv, "with-mounted-cache", "--path="+volume[0], "--cache="+volume[1], "--sharing=SHARED")
	}
	settings := e.settings()
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if strings.Contains(settings[name], "@") {
			// Arguments are seen by everybody on this machine.
			env = append(env, "SLIPWAY_TERMINAL_"+name+"="+settings[name])
			argv = append(argv, "with-secret-variable", "--name="+name, "--secret=env://SLIPWAY_TERMINAL_"+name)
			continue
		}
		argv = append(argv, "with-env-variable", "--name="+name, "--value="+settings[name])
	}
	if netrc := e.netrc(); regular(netrc) {
		argv = append(argv, "with-mounted-secret", "--path=/root/.netrc", "--source=file://"+netrc)
	}
	// What git keeps may lie elsewhere: a worktree, or a clone that borrows.
	return append(argv, "with-directory", "--path="+tree, "--source="+filepath.ToSlash(e.src.TreeRoot), "--exclude=**/.git",
		"with-workdir", "--path="+e.workdir(), "terminal"), env, nil
}
