package config

import "example.com/slipway/ci/plan"

// Schema is the JSON Schema of the configuration file, made from the same table as
// the flags. https://json-schema.org/draft/2020-12
func Schema() map[string]any {
	text := map[string]any{"type": []string{"string", "number", "boolean"}}
	texts := map[string]any{"type": "array", "items": text}
	properties := map[string]any{}
	for _, k := range keys() {
		if k.machine {
			continue
		}
		property := map[string]any{"description": k.help}
		switch k.field(&Settings{}).(type) {
		case *bool:
			property["type"] = "boolean"
		case *string:
			property["type"] = text["type"]
		case *[]string, *Lines:
			property["oneOf"] = []any{text, texts}
		case *map[string]string:
			property["type"], property["additionalProperties"] = "object", text
		case *[]plan.Exception:
			property["type"], property["items"] = "array", exceptionSchema()
		case *[][]string:
			property["type"], property["items"] = "array", map[string]any{"type": "array", "items": text, "minItems": 1}
		}
		properties[k.name] = property
	}
	return map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": FileName,
		"description": "What Slipway is told about a source folder.", "type": "object",
		"additionalProperties": false, "properties": properties,
	}
}
