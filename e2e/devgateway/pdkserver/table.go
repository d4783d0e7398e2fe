package pdkserver

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Tables of headers are encoded by hand: Kong sends strings as they came from the client,
// valid UTF-8 or not, which proto.Marshal refuses to do.

// The fields of google.protobuf.Value (google/protobuf/struct.proto).
const (
	valueString = 3
	valueStruct = 5
	valueList   = 6
)

// encoded is a message that is encoded already.
func encoded(message []byte) proto.Message {
	m := new(emptypb.Empty)
	m.ProtoReflect().SetUnknown(message)
	return m
}

// appendTable appends a google.protobuf.Struct of strings and lists of strings.
func appendTable(b []byte, table map[string]any) []byte {
	for name, value := range table {
		entry := appendField(nil, 1, []byte(name))
		b = appendField(b, 1, appendField(entry, 2, tableValue(value)))
	}
	return b
}

// tableValue is a google.protobuf.Value. A table with something under 1 passes for a list,
// as in structpb_value of pb_rpc.lua, be it a table of headers with one of that name.
func tableValue(value any) []byte {
	switch v := value.(type) {
	case string:
		return appendField(nil, valueString, []byte(v))
	case []any:
		var list []byte
		for _, element := range v {
			list = appendField(list, 1, tableValue(element))
		}
		return appendField(nil, valueList, list)
	case map[string]any:
		if _, ok := v["1"]; ok {
			return appendField(nil, valueList, nil)
		}
		return appendField(nil, valueStruct, appendTable(nil, v))
	}
	return nil
}

func appendField(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}
