package tenantratelimit

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/Kong/go-pdk"
	"github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/emptypb"
)

// maxHeaders is the most that Kong will list.
const maxHeaders = 1000

var errHeaderReply = errors.New("the list of headers is malformed")

// headerNames asks Kong for the names of the client's headers.
//
// go-pdk's Request.GetHeaders fails where any header's value is not UTF-8,
// which a client may send at will. So the reply is taken as unknown fields,
// which protobuf leaves alone, and the values are not looked at.
func headerNames(kong *pdk.PDK) ([]string, error) {
	var reply emptypb.Empty
	err := kong.Request.Ask("kong.request.get_headers", &kong_plugin_protocol.Int{V: maxHeaders}, &reply)
	if err != nil {
		return nil, fmt.Errorf("read header names: %w", err)
	}
	return structKeys(reply.ProtoReflect().GetUnknown())
}

// structKeys reads the keys of an encoded google.protobuf.Struct. Keys that are
// not UTF-8 are left out: nginx drops headers of such names.
func structKeys(encoded []byte) ([]string, error) {
	var names []string
	err := eachBytes(encoded, func(entry []byte) error {
		var key []byte
		err := eachBytes(entry, func(value []byte) error { key = value; return nil })
		if utf8.Valid(key) {
			names = append(names, string(key))
		}
		return err
	})
	return names, err
}

// eachBytes visits the values of field 1, which is a struct's entries as well
// as an entry's key. Other fields are passed over.
func eachBytes(message []byte, visit func([]byte) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return errHeaderReply
		}
		size := protowire.ConsumeFieldValue(number, kind, message[n:])
		if size < 0 {
			return errHeaderReply
		}
		if number == 1 && kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(message[n:])
			if err := visit(value); err != nil {
				return err
			}
		}
		message = message[n+size:]
	}
	return nil
}
