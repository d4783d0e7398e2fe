package pdkserver

import (
	"fmt"
	"strconv"

	kong "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

// Values cross the wire as Kong's Lua makes them (pb_wrap and pb_unwrap in
// rpc/pb_rpc.lua): false arrives as nil, a null as the name of its enum, and an
// empty list leaves as an empty struct.

func fromValue(v *structpb.Value) any {
	switch kind := v.GetKind().(type) {
	case *structpb.Value_BoolValue:
		if kind.BoolValue {
			return true
		}
		return nil
	case *structpb.Value_StringValue:
		return kind.StringValue
	case *structpb.Value_NumberValue:
		return kind.NumberValue
	case *structpb.Value_NullValue:
		return "NULL_VALUE"
	case *structpb.Value_ListValue:
		return fromList(kind.ListValue)
	case *structpb.Value_StructValue:
		return fromStruct(kind.StructValue)
	default:
		return nil
	}
}

func fromList(l *structpb.ListValue) []any {
	out := make([]any, 0, len(l.GetValues()))
	for _, v := range l.GetValues() {
		out = append(out, fromValue(v))
	}
	return out
}

func fromStruct(s *structpb.Struct) map[string]any {
	out := make(map[string]any, len(s.GetFields()))
	for k, v := range s.GetFields() {
		if value := fromValue(v); value != nil {
			out[k] = value
		}
	}
	return out
}

func toValue(v any) *structpb.Value {
	switch v := v.(type) {
	case bool:
		return structpb.NewBoolValue(v)
	case string:
		return structpb.NewStringValue(v)
	case float64:
		return structpb.NewNumberValue(v)
	case []any:
		if len(v) == 0 {
			return structpb.NewStructValue(&structpb.Struct{})
		}
		list := &structpb.ListValue{}
		for _, item := range v {
			list.Values = append(list.Values, toValue(item))
		}
		return structpb.NewListValue(list)
	case map[string]any:
		return structpb.NewStructValue(toStruct(v))
	default:
		return &structpb.Value{Kind: &structpb.Value_NullValue{NullValue: 1}}
	}
}

func toStruct(m map[string]any) *structpb.Struct {
	s := &structpb.Struct{Fields: make(map[string]*structpb.Value, len(m))}
	for k, v := range m {
		s.Fields[k] = toValue(v)
	}
	return s
}

// headerValues are the values of a header that a plugin sets. The error is Kong's about
// a value that cannot be one.
func headerValues(name string, value any) ([]string, error) {
	list, many := value.([]any)
	if !many {
		list = []any{value}
	}
	out := make([]string, 0, len(list))
	for _, v := range list {
		switch v := v.(type) {
		case string:
			out = append(out, v)
		case float64, bool:
			if many {
				return nil, fmt.Errorf("invalid header value in array %q: got %T, expected string", name, v)
			}
			out = append(out, luaString(v))
		default:
			return nil, fmt.Errorf("invalid header value for %q: got %T, expected array of string, string, number or boolean", name, v)
		}
	}
	return out, nil
}

// luaString is Lua's tostring.
func luaString(v any) string {
	switch v := v.(type) {
	case nil:
		return "nil"
	case float64:
		return strconv.FormatFloat(v, 'g', 14, 64)
	case map[string]any, []any:
		return "table"
	default:
		return fmt.Sprint(v)
	}
}

// str is a String on the wire, without the check for UTF-8 that Kong lacks too.
func str(s string) proto.Message { return &kong.ByteString{V: []byte(s)} }

// The functions below make handlers for the kinds of arguments there are.

func noArg(f func(s *Session) (proto.Message, error)) handler {
	return func(s *Session, _ []byte) (proto.Message, error) { return f(s) }
}

// text is for what has no argument and cannot fail: it returns a string.
func text(f func(s *Session) string) handler {
	return func(s *Session, _ []byte) (proto.Message, error) { return str(f(s)), nil }
}

func onMessage[T any, M interface {
	*T
	proto.Message
}](f func(s *Session, arg M) (proto.Message, error),
) handler {
	return func(s *Session, data []byte) (proto.Message, error) {
		arg := M(new(T))
		if err := proto.Unmarshal(data, arg); err != nil {
			return nil, fmt.Errorf("decode argument: %w", err)
		}
		return f(s, arg)
	}
}

func onString(f func(s *Session, v string) (proto.Message, error)) handler {
	return onMessage(func(s *Session, arg *kong.String) (proto.Message, error) { return f(s, arg.GetV()) })
}

// limited is for functions that take how many things to return, at most 1000. what names
// that argument.
func limited(what string, f func(s *Session, limit int) (proto.Message, error)) handler {
	return onMessage(func(s *Session, arg *kong.Int) (proto.Message, error) {
		switch n := int(arg.GetV()); {
		case n < 1:
			return nil, fmt.Errorf("%s must be >= 1", what)
		case n > 1000:
			return nil, fmt.Errorf("%s must be <= 1000", what)
		default:
			return f(s, n)
		}
	})
}

func onKV(f func(s *Session, k string, v any) error) handler {
	return onMessage(func(s *Session, arg *kong.KV) (proto.Message, error) {
		return nil, f(s, arg.GetK(), fromValue(arg.GetV()))
	})
}

func onHeaders(f func(s *Session, name string, vals []string)) handler {
	return onMessage(func(s *Session, arg *structpb.Struct) (proto.Message, error) {
		headers, err := headerTable(fromStruct(arg))
		for name, vals := range headers {
			f(s, name, vals)
		}
		return nil, err
	})
}

func headerTable(table map[string]any) (map[string][]string, error) {
	headers := make(map[string][]string, len(table))
	for name, value := range table {
		vals, err := headerValues(name, value)
		if err != nil {
			return nil, err
		}
		headers[name] = vals
	}
	return headers, nil
}
