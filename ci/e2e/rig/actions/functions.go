package actions

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rhysd/actionlint"
)

// call evaluates a function.
func (s scope) call(n *actionlint.FuncCallNode) (any, error) {
	name := strings.ToLower(n.Callee)
	var args []any
	for _, node := range n.Args {
		value, err := s.eval(node)
		if err != nil {
			return nil, err
		}
		args = append(args, value)
	}
	if slices.Contains(statusFunctions, name) {
		if s.status == nil {
			return nil, fmt.Errorf("%s() is only for conditions", n.Callee)
		}
		return s.status(name), nil
	}
	if name == "hashfiles" && s.hash != nil {
		var patterns []string
		for _, a := range args {
			patterns = append(patterns, text(a))
		}
		return s.hash(patterns)
	}
	count, ok := map[string]int{"contains": 2, "startswith": 2, "endswith": 2, "fromjson": 1}[name]
	switch {
	case name == "format" && len(args) > 0:
		return format(text(args[0]), args[1:])
	case !ok || len(args) != count:
		return nil, fmt.Errorf("%s() with %d arguments is not known here", n.Callee, len(args))
	case name == "fromjson":
		var value any
		if err := json.Unmarshal([]byte(text(args[0])), &value); err != nil {
			return nil, fmt.Errorf("fromJSON: %w", err)
		}
		return fromJSON("fromJSON", value), nil
	case name == "contains":
		return contains(args[0], args[1]), nil
	}
	whole, part := strings.ToLower(text(args[0])), strings.ToLower(text(args[1]))
	if name == "startswith" {
		return strings.HasPrefix(whole, part), nil
	}
	return strings.HasSuffix(whole, part), nil
}

// contains looks for a member of a list, or for a part of a text without case.
func contains(in, what any) bool {
	if list, ok := in.([]any); ok {
		return slices.ContainsFunc(list, func(member any) bool { return equal(member, what) })
	}
	return strings.Contains(strings.ToLower(text(in)), strings.ToLower(text(what)))
}

// format puts values in the place of {0}, {1}; doubled braces are braces.
func format(template string, args []any) (string, error) {
	var out strings.Builder
	for rest := template; rest != ""; {
		i := strings.IndexAny(rest, "{}")
		if i < 0 {
			out.WriteString(rest)
			break
		}
		out.WriteString(rest[:i])
		if strings.HasPrefix(rest[i+1:], rest[i:i+1]) {
			out.WriteByte(rest[i])
			rest = rest[i+2:]
			continue
		}
		inside, after, found := strings.Cut(rest[i+1:], "}")
		index, err := strconv.ParseUint(inside, 10, 8)
		if rest[i] == '}' || !found || err != nil {
			return "", fmt.Errorf("the format %q is not one", template)
		}
		if int(index) >= len(args) {
			return "", errors.New("format() has too few arguments for " + strconv.Quote(template))
		}
		out.WriteString(text(args[index]))
		rest = after
	}
	return out.String(), nil
}
