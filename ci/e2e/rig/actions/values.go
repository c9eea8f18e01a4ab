package actions

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A value of an expression is nil, a bool, a float64, a string, an *object or a []any.

// object is a context or a part of one. Names are compared without case.
type object struct {
	// name is how a message calls it.
	name string
	// closed objects have no members but those that are known: asking for another is
	// an error here, where GitHub would give an empty text.
	closed bool
	values map[string]any
}

func newObject(name string, closed bool) *object {
	return &object{name: name, closed: closed, values: map[string]any{}}
}

// textObject is an open object of texts.
func textObject(name string, values map[string]string) *object {
	o := newObject(name, false)
	for key, value := range values {
		o.set(key, value)
	}
	return o
}

func (o *object) set(key string, value any) *object {
	o.values[strings.ToLower(key)] = value
	return o
}

func (o *object) get(key string) (any, error) {
	value, ok := o.values[strings.ToLower(key)]
	if !ok && o.closed {
		return nil, fmt.Errorf("%s has no %q, only %s", o.name, key, strings.Join(slices.Sorted(maps.Keys(o.values)), ", "))
	}
	return value, nil
}

// fromJSON makes a value out of decoded JSON.
func fromJSON(name string, value any) any {
	switch v := value.(type) {
	case map[string]any:
		o := newObject(name, false)
		for key, member := range v {
			o.set(key, fromJSON(name+"."+key, member))
		}
		return o
	case []any:
		list := make([]any, len(v))
		for i, member := range v {
			list[i] = fromJSON(name, member)
		}
		return list
	case int:
		return float64(v)
	default:
		return v
	}
}

// text is a value as GitHub writes it into a text.
func text(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'g', 15, 64)
	case string:
		return v
	case []any:
		return "Array"
	default:
		return "Object"
	}
}

// truth is a value as a condition.
func truth(value any) bool {
	switch v := value.(type) {
	case nil:
		return false
	case bool:
		return v
	case float64:
		return v != 0 && !math.IsNaN(v)
	case string:
		return v != ""
	default:
		return true
	}
}

// number is a value as GitHub compares it with one of another type.
func number(value any) float64 {
	switch v := value.(type) {
	case nil:
		return 0
	case bool:
		if v {
			return 1
		}
		return 0
	case float64:
		return v
	case string:
		v = strings.TrimSpace(v)
		if v == "" {
			return 0
		}
		if n, err := strconv.ParseInt(v, 0, 64); err == nil && strings.HasPrefix(v, "0") {
			return float64(n)
		}
		if n, err := strconv.ParseFloat(v, 64); err == nil {
			return n
		}
	}
	return math.NaN()
}

// equal compares loosely: texts without case, and values of two types as numbers.
func equal(a, b any) bool {
	if s, ok := a.(string); ok {
		if t, ok := b.(string); ok {
			return strings.EqualFold(s, t)
		}
	}
	switch a := a.(type) {
	case *object:
		o, ok := b.(*object)
		return ok && o == a
	case []any:
		l, ok := b.([]any)
		return ok && len(a) > 0 && len(l) > 0 && &a[0] == &l[0]
	}
	return number(a) == number(b)
}
