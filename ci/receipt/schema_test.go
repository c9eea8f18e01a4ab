package receipt_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/receipt"
)

var update = flag.Bool("update", false, "write the golden files again")

const published = "../../docs/receipt.schema.json"

func TestSchema_IsTheCommittedOne(t *testing.T) {
	t.Parallel()
	all := drawn(t).schema(t)
	want, err := json.MarshalIndent(all, "", "  ")
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile(published, append(want, '\n'), 0o644))
	}
	got, err := os.ReadFile(published)
	require.NoError(t, err)
	require.Equal(t, string(want)+"\n", string(got), "go test ./ci/receipt -update writes it again")
}

func TestSchema_DescribesEveryField(t *testing.T) {
	t.Parallel()
	require.Empty(t, drawn(t).silent, "say in a comment what these are")
}

// valid tells what the schema has against a receipt.
func valid(t *testing.T, text []byte) error {
	t.Helper()
	all, err := json.Marshal(drawn(t).schema(t))
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(all))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	require.NoError(t, compiler.AddResource("receipt.json", doc))
	compiled, err := compiler.Compile("receipt.json")
	require.NoError(t, err)
	got, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	return compiled.Validate(got)
}

// full sets everything below a value to something, and what has values of its own to the
// first of them.
func full(v reflect.Value, values map[string][]string) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		full(v.Elem(), values)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 11, 23, 6, 12, 0, 0, time.UTC)))
			return
		}
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				full(v.Field(i), values)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			full(v.Index(i), values)
		}
	case reflect.Map:
		one := reflect.New(v.Type().Elem()).Elem()
		full(one, values)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("name"), one)
	case reflect.String:
		v.SetString("text")
		if known := values[v.Type().PkgPath()+"."+v.Type().Name()]; len(known) > 0 {
			v.SetString(known[0])
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Float64:
		v.SetFloat(0.5)
	}
}

// What Slipway writes follows the schema, whether it is all that a receipt can hold or
// nothing but how the run ended.
func TestSchema_TakesWhatIsWritten(t *testing.T) {
	t.Parallel()
	var all receipt.Receipt
	full(reflect.ValueOf(&all).Elem(), drawn(t).values)
	all.Schema = receipt.Schema
	for _, r := range []receipt.Receipt{all, {Schema: receipt.Schema, Verdict: receipt.Stopped}, {Schema: receipt.Schema, Verdict: receipt.Passed, Gates: []finding.Gate{}}} {
		text, err := json.Marshal(r)
		require.NoError(t, err)
		require.NoError(t, valid(t, text))
	}
}

func TestSchema_RefusesWhatIsNoReceipt(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(receipt.Receipt{Schema: receipt.Schema, Verdict: receipt.Passed})
	require.NoError(t, err)
	require.NoError(t, valid(t, text))
	for from, to := range map[string]string{
		`"passed"`:      `"fine"`,
		receipt.Schema:  "slipway.receipt/2",
		`"gates":null`:  `"gates":"all"`,
		`"steps":null`:  `"steps":[{}]`,
		`"verb":""`:     `"verb":7`,
		`"run":`:        `"ran":`,
		`"0001-01-01T`:  `"yesterday`,
		`"images":null`: `"images":[{"name":"a","digest":7}]`,
	} {
		wrong := strings.Replace(string(text), from, to, 1)
		require.NotEqual(t, string(text), wrong, from)
		require.Error(t, valid(t, []byte(wrong)), "%s", to)
	}
}
