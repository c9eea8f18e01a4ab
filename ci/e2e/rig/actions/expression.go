package actions

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rhysd/actionlint"
)

// scope is what an expression can see where it stands.
type scope struct {
	contexts map[string]any
	// status is the one of the job, or of the action, so far. It is nil where the
	// functions that ask for it are unknown.
	status func(function string) bool
	// hash is the sum of the files that patterns name, where there is a workspace.
	hash func(patterns []string) (string, error)
}

// only is a scope with some of the contexts: GitHub has less in some places.
func (s scope) only(names ...string) scope {
	some := map[string]any{}
	for _, name := range names {
		if value, ok := s.contexts[name]; ok {
			some[name] = value
		}
	}
	s.contexts = some
	return s
}

// with is a scope with one more context.
func (s scope) with(name string, value any) scope {
	more := map[string]any{name: value}
	for n, v := range s.contexts {
		if n != name {
			more[n] = v
		}
	}
	s.contexts = more
	return s
}

// withoutStatus is for everything but conditions.
func (s scope) withoutStatus() scope {
	s.status = nil
	return s
}

// statusFunctions are those that make a condition one that holds in other states too.
var statusFunctions = []string{"success", "failure", "always", "cancelled"}

// parse reads an expression up to its closing braces and returns what follows them.
func parse(source string) (actionlint.ExprNode, string, error) {
	lexer := actionlint.NewExprLexer(source)
	node, err := actionlint.NewExprParser().Parse(lexer)
	if err != nil {
		return nil, "", fmt.Errorf("expression %q: %w", source, err)
	}
	return node, source[lexer.Offset():], nil
}

// fill puts values in the place of the expressions of a text.
func (s scope) fill(template string) (string, error) {
	var out strings.Builder
	rest := template
	for {
		before, after, found := strings.Cut(rest, "${{")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		node, left, err := parse(after)
		if err != nil {
			return "", err
		}
		value, err := s.eval(node)
		if err != nil {
			return "", fmt.Errorf("%s: %w", template, err)
		}
		out.WriteString(text(value))
		rest = left
	}
}

// value is fill, but a text that is nothing but one expression keeps its type.
func (s scope) value(template string) (any, error) {
	if after, ok := strings.CutPrefix(strings.TrimSpace(template), "${{"); ok {
		if node, left, err := parse(after); err == nil && left == "" {
			value, err := s.eval(node)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", template, err)
			}
			return value, nil
		}
	}
	return s.fill(template)
}

// holds evaluates a condition. One that asks for no status holds only in success.
func (s scope) holds(condition string) (bool, error) {
	source := strings.TrimSpace(condition)
	if source == "" {
		return s.status("success"), nil
	}
	if after, ok := strings.CutPrefix(source, "${{"); ok {
		source = after
	} else {
		source += "}}"
	}
	node, left, err := parse(source)
	if err != nil {
		return false, err
	}
	if left != "" {
		return false, fmt.Errorf("condition %q holds always, since %q follows the expression", condition, left)
	}
	value, err := s.eval(node)
	if err != nil {
		return false, fmt.Errorf("%s: %w", condition, err)
	}
	if !asksStatus(node) && !s.status("success") {
		return false, nil
	}
	return truth(value), nil
}

func asksStatus(node actionlint.ExprNode) bool {
	asks := false
	actionlint.VisitExprNode(node, func(n, _ actionlint.ExprNode, entering bool) {
		if call, ok := n.(*actionlint.FuncCallNode); ok && entering {
			asks = asks || slices.Contains(statusFunctions, strings.ToLower(call.Callee))
		}
	})
	return asks
}

func (s scope) eval(node actionlint.ExprNode) (any, error) {
	switch n := node.(type) {
	case *actionlint.NullNode:
		return nil, nil
	case *actionlint.BoolNode:
		return n.Value, nil
	case *actionlint.IntNode:
		return float64(n.Value), nil
	case *actionlint.FloatNode:
		return n.Value, nil
	case *actionlint.StringNode:
		return n.Value, nil
	case *actionlint.VariableNode:
		value, ok := s.contexts[strings.ToLower(n.Name)]
		if !ok {
			return nil, fmt.Errorf("there is no %q in this place", n.Name)
		}
		return value, nil
	case *actionlint.ObjectDerefNode:
		return s.member(n.Receiver, n.Property)
	case *actionlint.IndexAccessNode:
		index, err := s.eval(n.Index)
		if err != nil {
			return nil, err
		}
		return s.member(n.Operand, text(index))
	case *actionlint.NotOpNode:
		value, err := s.eval(n.Operand)
		return !truth(value), err
	case *actionlint.LogicalOpNode:
		return s.logical(n)
	case *actionlint.CompareOpNode:
		return s.compare(n)
	case *actionlint.FuncCallNode:
		return s.call(n)
	}
	return nil, fmt.Errorf("%T is not known here", node)
}

// member is a part of a context. What has no parts has none: it is as on GitHub, where
// github.event.pull_request.number of a push is empty.
func (s scope) member(of actionlint.ExprNode, name string) (any, error) {
	value, err := s.eval(of)
	if err != nil {
		return nil, err
	}
	switch v := value.(type) {
	case *object:
		return v.get(name)
	case []any:
		if i := number(name); i >= 0 && i < float64(len(v)) {
			return v[int(i)], nil
		}
	}
	return nil, nil
}

// logical returns one of the operands, not a truth.
func (s scope) logical(n *actionlint.LogicalOpNode) (any, error) {
	left, err := s.eval(n.Left)
	if err != nil {
		return nil, err
	}
	if truth(left) == (n.Kind == actionlint.LogicalOpNodeKindOr) {
		return left, nil
	}
	return s.eval(n.Right)
}

func (s scope) compare(n *actionlint.CompareOpNode) (any, error) {
	left, errLeft := s.eval(n.Left)
	right, errRight := s.eval(n.Right)
	if err := errors.Join(errLeft, errRight); err != nil {
		return nil, err
	}
	switch n.Kind {
	case actionlint.CompareOpNodeKindEq:
		return equal(left, right), nil
	case actionlint.CompareOpNodeKindNotEq:
		return !equal(left, right), nil
	}
	return nil, fmt.Errorf("the operator %s is not known here", n.Kind)
}
