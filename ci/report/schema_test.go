package report_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/receipt"
)

// compiled is a JSON Schema that is in a file.
func compiled(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	require.NoError(t, compiler.AddResource("schema.json", doc))
	schema, err := compiler.Compile("schema.json")
	require.NoError(t, err)
	return schema
}

// The receipts that these tests are about are such as Slipway writes, with no field of
// their own.
func TestJSON_FollowsThePublishedSchema(t *testing.T) {
	t.Parallel()
	schema := compiled(t, filepath.Join("..", "..", "docs", "receipt.schema.json"))
	for _, name := range samples() {
		saved, err := os.ReadFile(filepath.Join("testdata", name+".json"))
		require.NoError(t, err)
		dec := json.NewDecoder(bytes.NewReader(saved))
		dec.DisallowUnknownFields()
		require.NoError(t, dec.Decode(new(receipt.Receipt)), name)
		for _, text := range []string{string(saved), render(t, "json", sample(t, name))} {
			doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
			require.NoError(t, err)
			require.NoError(t, schema.Validate(doc), name)
		}
	}
}
