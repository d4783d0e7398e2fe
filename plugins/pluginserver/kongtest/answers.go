package kongtest

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/Kong/go-pdk/entities"
	kpp "github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// answer is one PDK method: the encoded argument in, the encoded reply out.
type answer func(k *Kong, args []byte) ([]byte, error)

// on makes an answer of a function over messages. A nil reply is an empty
// frame, as Kong's is for a method that returns nothing or nil.
func on[T any, M interface {
	*T
	proto.Message
}](f func(k *Kong, in M) (proto.Message, error)) answer {
	return func(k *Kong, args []byte) ([]byte, error) {
		in := M(new(T))
		if err := proto.Unmarshal(args, in); err != nil {
			return nil, fmt.Errorf("decode argument: %w", err)
		}
		out, err := f(k, in)
		if err != nil || out == nil {
			return nil, err
		}
		return proto.Marshal(out)
	}
}

// text, integer, number and boolean answer a getter without argument.
func text(f func(k *Kong) string) answer {
	return on(func(k *Kong, _ *emptypb.Empty) (proto.Message, error) {
		return &kpp.ByteString{V: []byte(f(k))}, nil // a String on the wire, without the check for UTF-8 that Kong lacks too
	})
}

func integer(f func(k *Kong) int) answer {
	return on(func(k *Kong, _ *emptypb.Empty) (proto.Message, error) {
		return &kpp.Int{V: int32(f(k))}, nil
	})
}

func number(f func(k *Kong) float64) answer {
	return on(func(k *Kong, _ *emptypb.Empty) (proto.Message, error) {
		return &kpp.Number{V: f(k)}, nil
	})
}

// lookup answers a getter by name.
func lookup(f func(k *Kong, name string) string) answer {
	return on(func(k *Kong, in *kpp.String) (proto.Message, error) {
		return &kpp.ByteString{V: []byte(f(k, in.V))}, nil
	})
}

// take answers a setter of one string.
func take(f func(k *Kong, v string)) answer {
	return on(func(k *Kong, in *kpp.ByteString) (proto.Message, error) {
		f(k, string(in.V))
		return nil, nil
	})
}

// header is the first value of a header: a missing one and an empty one look
// alike, and underscores stand for dashes.
func header(h http.Header, name string) string {
	return h.Get(strings.ReplaceAll(name, "_", "-"))
}

// headers answers a getter of all headers, by lower-case name. Where there are
// more than the limit, it is the first ones by name, so that a test repeats.
func headers(f func(k *Kong) http.Header) answer {
	return limited("max_headers", func(k *Kong, limit int) map[string]any {
		fields := map[string]any{}
		h := f(k)
		for _, name := range slices.Sorted(maps.Keys(h)) {
			for _, v := range h[name] {
				if limit--; limit < 0 {
					return fields
				}
				name := strings.ToLower(name)
				fields[name] = appendValue(fields[name], v)
			}
		}
		return fields
	})
}

// limited answers a getter of a table of at most so many values.
func limited(argument string, f func(k *Kong, limit int) map[string]any) answer {
	return func(k *Kong, args []byte) ([]byte, error) {
		var in kpp.Int
		if err := proto.Unmarshal(args, &in); err != nil {
			return nil, fmt.Errorf("decode argument: %w", err)
		}
		if in.V < 1 || in.V > 1000 {
			return nil, fmt.Errorf("%s must be >= 1 and <= 1000, was %d", argument, in.V)
		}
		return table(f(k, int(in.V))), nil
	}
}

// operate answers a change of one header; part is towards service or client.
func operate(op string, part func(*Effects) (http.Header, *[]HeaderOp)) answer {
	return on(func(k *Kong, in *kpp.KV) (proto.Message, error) {
		if in.K == "" {
			return nil, errors.New("header must not be empty")
		}
		value, ok := in.V.AsInterface().(string)
		if !ok {
			return nil, fmt.Errorf("header %s: value must be a string", in.K)
		}
		h, ops := part(&k.effects)
		apply(h, ops, HeaderOp{Op: op, Name: in.K, Values: []string{value}})
		return nil, nil
	})
}

func clearHeader(part func(*Effects) (http.Header, *[]HeaderOp)) answer {
	return take(func(k *Kong, name string) {
		h, ops := part(&k.effects)
		apply(h, ops, HeaderOp{Op: "clear", Name: name})
	})
}

func setHeaders(part func(*Effects) (http.Header, *[]HeaderOp)) answer {
	return on(func(k *Kong, in *structpb.Struct) (proto.Message, error) {
		given, err := headerTable(in)
		if err != nil {
			return nil, err
		}
		h, ops := part(&k.effects)
		for _, name := range slices.Sorted(maps.Keys(given)) {
			apply(h, ops, HeaderOp{Op: "set", Name: name, Values: given[name]})
		}
		return nil, nil
	})
}

func towardsService(e *Effects) (http.Header, *[]HeaderOp) {
	return e.Service.Headers, &e.Service.Ops
}

func towardsClient(e *Effects) (http.Header, *[]HeaderOp) {
	return e.Response.Headers, &e.Response.Ops
}

// headerTable reads a table of header values: a string or a list of strings.
func headerTable(in *structpb.Struct) (http.Header, error) {
	out := http.Header{}
	for name, value := range in.AsMap() {
		values, ok := value.([]any)
		if !ok {
			values = []any{value}
		}
		key := http.CanonicalHeaderKey(name)
		out[key] = []string{}
		for _, v := range values {
			s, ok := v.(string)
			if !ok {
				return nil, fmt.Errorf("header %s: value must be a string, was %T", name, v)
			}
			out[key] = append(out[key], s)
		}
	}
	return out, nil
}

func logLine(level string) answer {
	return on(func(k *Kong, in *structpb.ListValue) (proto.Message, error) {
		k.effects.Logs = append(k.effects.Logs, LogLine{Level: level, Args: in.AsSlice()})
		return nil, nil
	})
}

// put answers a setter of a table in which nil and false are the same.
func put(table func(*Effects) map[string]any) answer {
	return on(func(k *Kong, in *kpp.KV) (proto.Message, error) {
		table(&k.effects)[in.K] = unwrapped(in.V)
		return nil, nil
	})
}

// unwrapped is Kong's structpb_value: false falls through to nil.
func unwrapped(v *structpb.Value) any {
	if b, ok := v.GetKind().(*structpb.Value_BoolValue); ok && !b.BoolValue {
		return nil
	}
	return v.AsInterface()
}

// get answers a getter of a table: what the event set, else what was there.
func get(set func(*Effects) map[string]any, before func(*Request) map[string]any) answer {
	return on(func(k *Kong, in *kpp.String) (proto.Message, error) {
		if v, ok := set(&k.effects)[in.V]; ok {
			return structpb.NewValue(v)
		}
		return structpb.NewValue(before(&k.req)[in.V])
	})
}

func consumerMessage(c *entities.Consumer) proto.Message {
	if c == nil {
		return nil
	}
	return &kpp.Consumer{
		Id: c.Id, CreatedAt: int64(c.CreatedAt), Username: c.Username, CustomId: c.CustomId, Tags: c.Tags,
	}
}
