package plan

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// Differences names the fields, as in the plan's JSON, in which two image plans differ.
func (i Image) Differences(other Image) []string {
	a, b := i.fields(), other.fields()
	names := slices.Sorted(maps.Keys(a))
	for name := range b {
		if _, both := a[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.DeleteFunc(names, func(name string) bool { return bytes.Equal(a[name], b[name]) })
}

func (i Image) fields() map[string]json.RawMessage {
	text, err := json.Marshal(i)
	if err != nil {
		panic(err) // strings, numbers and maps of strings always encode
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		panic(err) // it is an object that was just encoded
	}
	return fields
}
