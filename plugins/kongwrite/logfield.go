package kongwrite

import (
	"fmt"

	pdk "github.com/Kong/go-pdk"
	"github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/types/known/structpb"
)

// LogField is a field of what all of Kong's log plugins write of a request, and
// what is to be there. Dots in the key are steps into tables.
type LogField struct {
	Key   string
	Value *structpb.Value
}

// SetLogFields replaces fields of what kong.log.serialize returns. It works in
// the phases from rewrite to log.
//
// go-pdk has no method for it, but Kong's plugin protocol does.
func SetLogFields(kong *pdk.PDK, fields ...LogField) error {
	for _, f := range fields {
		kv := &kong_plugin_protocol.KV{K: f.Key, V: f.Value}
		if err := kong.Log.Ask("kong.log.set_serialize_value", kv, nil); err != nil {
			return fmt.Errorf("set log field %s: %w", f.Key, err)
		}
	}
	return nil
}
