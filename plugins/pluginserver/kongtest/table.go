package kongtest

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/structpb"
)

// table encodes a Lua table as google.protobuf.Struct. It is written by hand
// because Kong sends strings as they came from the client, valid UTF-8 or not,
// which proto.Marshal refuses to do: a plugin must be tested against both.
func table(fields map[string]any) []byte {
	var out []byte
	for name, value := range fields {
		var entry []byte
		entry = appendBytes(entry, 1, []byte(name))
		entry = appendBytes(entry, 2, tableValue(value))
		out = appendBytes(out, 1, entry)
	}
	return out
}

// tableValue encodes a google.protobuf.Value of a string, true or a list.
func tableValue(value any) []byte {
	switch v := value.(type) {
	case string:
		return appendBytes(nil, 3, []byte(v))
	case bool:
		return protowire.AppendVarint(protowire.AppendTag(nil, 4, protowire.VarintType), protowire.EncodeBool(v))
	case []any:
		var list []byte
		for _, element := range v {
			list = appendBytes(list, 1, tableValue(element))
		}
		return appendBytes(nil, 6, list)
	default:
		return protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(structpb.NullValue_NULL_VALUE))
	}
}

func appendBytes(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}
