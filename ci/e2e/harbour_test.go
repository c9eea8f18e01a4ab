package e2e_test

import (
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"strings"
	"testing"
)

// harbour is a service that answers and stops in order.
var harbour = map[string]string{
	"go.mod": "module example.com/harbour\n\ngo 1.25.0\n",
	"main.go": "package main\n\nimport (\n\t\"context\"\n\t\"net/http\"\n\t\"os\"\n\t\"os/signal\"\n\t\"syscall\"\n)\n\n" +
		"var greeting = \"moored\"\n\nfunc main() {\n\tctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)\n\tdefer stop()\n" +
		"\tstart()\n\tsrv := &http.Server{Addr: \":18080\", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(greeting)) })}\n" +
		"\tgo func() {\n\t\t<-ctx.Done()\n\t\tsrv.Shutdown(context.Background())\n\t}()\n" +
		"\tif err := srv.ListenAndServe(); err != http.ErrServerClosed {\n\t\tprintln(err.Error())\n\t\tos.Exit(1)\n\t}\n}\n",
	"start.go":      "package main\n\nfunc start() {}\n",
	"start_test.go": "package main\n\nimport \"testing\"\n\nfunc TestStart(t *testing.T) { start() }\n",
	".slipway.yaml": "port: 18080\nhealth: /\n",
}

// light is a main that answers as well, for builds without any cache: all of net/http is
// compiled in more than twice the time.
var light = map[string]string{
	"main.go": "package main\n\nimport (\n\t\"net\"\n\t\"os\"\n\t\"os/signal\"\n\t\"syscall\"\n)\n\nvar greeting = \"moored\"\n\n" +
		"func main() {\n\tstart()\n\tl, err := net.Listen(\"tcp\", \":18080\")\n\tif err != nil {\n\t\tprintln(err.Error())\n\t\tos.Exit(1)\n\t}\n" +
		"\tstop := make(chan os.Signal, 1)\n\tsignal.Notify(stop, syscall.SIGTERM)\n\tgo func() {\n\t\t<-stop\n\t\tl.Close()\n\t}()\n" +
		"\tfor {\n\t\tc, err := l.Accept()\n\t\tif err != nil {\n\t\t\treturn\n\t\t}\n\t\tc.Read(make([]byte, 4096))\n" +
		"\t\tc.Write([]byte(\"HTTP/1.1 200 OK\\r\\nContent-Length: 6\\r\\nConnection: close\\r\\n\\r\\n\" + greeting))\n\t\tc.Close()\n\t}\n}\n",
}

// changing are files that make it another service in each build.
var changing = with(light, map[string]string{
	".slipway.yaml": harbour[".slipway.yaml"] + "pre-build: [[sh, -c, 'date +%s%N > now.txt']]\n",
	"start.go":      "package main\n\nimport _ \"embed\"\n\n//go:embed now.txt\nvar now string\n\nfunc start() { _ = now }\n", "now.txt": "",
})

// with is a copy of a tree with other files.
func with(tree map[string]string, files map[string]string) map[string]string {
	tree = maps.Clone(tree)
	maps.Copy(tree, files)
	return tree
}

// moored is a harbour with other files, on a port of its own: without a container runtime,
// tests beside each other start it in one network. The port is the same in every run, so
// that what was built stays built.
func moored(t *testing.T, files map[string]string) map[string]string {
	t.Helper()
	sum := fnv.New32()
	_, _ = io.WriteString(sum, t.Name())
	tree := with(harbour, files)
	for name, text := range tree {
		tree[name] = strings.ReplaceAll(text, "18080", fmt.Sprint(20000+sum.Sum32()%10000))
	}
	return tree
}
