package pins

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// portForm is a port as EXPOSE names it, with its protocol where it has one.
var portForm = regexp.MustCompile(`^[1-9][0-9]{0,4}(?:/(?:tcp|udp|sctp))?$`)

// maxPorts bounds how many ports are taken from a Dockerfile.
const maxPorts = 16

// Ports are those that the last stage of any Dockerfile in the source folder exposes, in
// their order. One that a variable names is left out, and a file that is no Dockerfile
// has none: they are a hint, nothing is built from them.
func Ports(dir string) []string {
	text, note, err := readDockerfile(dir)
	if err != nil || note != "" {
		return nil
	}
	result, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil
	}
	var ports []string
	for _, n := range result.AST.Children {
		switch strings.ToUpper(n.Value) {
		case "FROM":
			ports = nil
		case "EXPOSE":
			for arg := n.Next; arg != nil && len(ports) < maxPorts; arg = arg.Next {
				port := strings.TrimSuffix(strings.ToLower(arg.Value), "/tcp")
				if portForm.MatchString(port) && !slices.Contains(ports, port) {
					ports = append(ports, port)
				}
			}
		}
	}
	return ports
}
