package kongrequest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/Kong/go-pdk/bridge"
	"github.com/Kong/go-pdk/server/kong_plugin_protocol"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/gatehousehq/gatehouse/plugins/identity"
)

const (
	// maxHeaders is the most lines of headers that Kong will list.
	maxHeaders = 1000
	// maxCopied is how many Kong copies (lua_max_req_headers).
	maxCopied = 100
	// copyKey is where Kong keeps, in ngx.ctx, the copy of the client's headers that it
	// makes before the plugins' access phase (get_header in kong/tools/http.lua).
	copyKey = "cached_request_headers"

	connectionHeader = "connection"
)

var (
	errHeaderReply = errors.New("the list of headers is malformed")
	errNoCopy      = errors.New("Kong keeps no copy of the client's headers")
)

// Headers are what a request's headers say of who is asking, and what the client says of
// its connection.
type Headers struct {
	identity.Seen
	// Connection has the lines of that header, joined with commas.
	Connection string
	// Incomplete says that there are more headers than Kong tells of: what the client
	// wrote among them cannot be known.
	Incomplete bool

	lines headerLines
}

// Headers asks for all headers: no list of names has every spelling of them. who is who
// is asking, by which it is known what Kong itself has set.
func (e *Event) Headers(who *identity.Evidence) (Headers, error) {
	var h Headers
	var err error
	if h.lines, err = e.headersNow(); err != nil {
		return h, fmt.Errorf("read headers: %w", err)
	}
	h.Incomplete = h.lines.count >= maxHeaders
	h.Connection = strings.Join(h.lines.values[connectionHeader], ",")
	for name := range h.lines.values {
		if identity.SaysWho(name) {
			h.Names = append(h.Names, name)
		}
	}
	doubtful := h.Doubtful(who.Authenticated(), who.Consumer.ID != "")
	if len(doubtful) == 0 {
		return h, nil
	}
	return h, e.settle(&h, doubtful)
}

// settle finds out which of the doubtful headers are as the client sent them. Of one that
// a plugin replaced Kong's copy has another value. A Kong that keeps no copy cannot vouch
// for any.
func (e *Event) settle(h *Headers, doubtful []string) error {
	sent, err := e.headersSent()
	if errors.Is(err, errNoCopy) {
		h.Sent = doubtful
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the client's headers: %w", err)
	}
	for _, name := range doubtful {
		before, there := sent.values[name]
		switch {
		case there && slices.Equal(before, h.lines.values[name]):
			h.Sent = append(h.Sent, name)
		case sent.count >= maxCopied: // there may be more lines of it
			h.Incomplete = true
		}
	}
	return nil
}

func (e *Event) headersNow() (headerLines, error) {
	reply, err := askRaw(e.kong.Request.PdkBridge, "kong.request.get_headers", &kong_plugin_protocol.Int{V: maxHeaders})
	if err != nil {
		return headerLines{}, err
	}
	return readStruct(reply)
}

// headersSent are the headers as the client sent them, up to maxCopied lines. Kong makes
// a list of a table that has a header by the name 1, and tells of no other then.
func (e *Event) headersSent() (lines headerLines, err error) {
	reply, err := askRaw(e.kong.Nginx.PdkBridge, "kong.nginx.get_ctx", bridge.WrapString(copyKey))
	if err != nil {
		return lines, err
	}
	missing := errNoCopy
	err = errors.Join(
		eachBytes(reply, valueStruct, func(table []byte) error {
			missing = nil
			lines, err = readStruct(table)
			return err
		}),
		eachBytes(reply, valueList, func([]byte) error {
			missing, lines.count = nil, maxCopied
			return nil
		}),
	)
	return lines, errors.Join(err, missing)
}

// askRaw returns a reply undecoded: go-pdk's own methods fail where any header's value is
// not UTF-8, which a client may send at will.
func askRaw(b bridge.PdkBridge, method string, args proto.Message) ([]byte, error) {
	var reply emptypb.Empty
	if err := b.Ask(method, args, &reply); err != nil {
		return nil, fmt.Errorf("ask %s: %w", method, err)
	}
	return reply.ProtoReflect().GetUnknown(), nil
}

// headerLines are headers by name in lower case. Values are kept of those that say who is
// asking and of Connection; count is the number of lines of all.
type headerLines struct {
	values map[string][]string
	count  int
}

// The fields of google.protobuf.Struct and of what is in it
// (google/protobuf/struct.proto).
const (
	structFields   = 1 // a map: entries of key and value
	entryKey       = 1
	entryValue     = 2
	valueString    = 3
	valueStruct    = 5
	valueList      = 6
	listValueItems = 1
)

// readStruct reads an encoded google.protobuf.Struct of strings and lists of strings.
// Keys that are not UTF-8 are left out: nginx drops headers of such names.
func readStruct(encoded []byte) (headerLines, error) {
	lines := headerLines{values: map[string][]string{}}
	err := eachBytes(encoded, structFields, func(entry []byte) error {
		key, err := last(entry, entryKey)
		if err != nil {
			return err
		}
		value, err := last(entry, entryValue)
		if err != nil {
			return err
		}
		values, err := readValue(value)
		lines.add(string(key), values)
		return err
	})
	return lines, err
}

func (l *headerLines) add(name string, values []string) {
	l.count += max(len(values), 1)
	if name = strings.ToLower(name); utf8.ValidString(name) && (name == connectionHeader || identity.SaysWho(name)) {
		l.values[name] = append(l.values[name], values...)
	}
}

// readValue reads a google.protobuf.Value: a string, or a list of strings for a header of
// several lines.
func readValue(value []byte) ([]string, error) {
	list, err := last(value, valueList)
	if err != nil {
		return nil, err
	}
	if list == nil {
		text, err := last(value, valueString)
		return []string{string(text)}, err
	}
	var values []string
	err = eachBytes(list, listValueItems, func(item []byte) error {
		text, err := last(item, valueString)
		values = append(values, string(text))
		return err
	})
	return values, err
}

// last is a field's value; of several the last counts, as in any protobuf message.
func last(message []byte, field protowire.Number) (value []byte, err error) {
	err = eachBytes(message, field, func(b []byte) error { value = b; return nil })
	return value, err
}

// eachBytes visits the values of a field. Other fields are passed over.
func eachBytes(message []byte, field protowire.Number, visit func([]byte) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return errHeaderReply
		}
		size := protowire.ConsumeFieldValue(number, kind, message[n:])
		if size < 0 {
			return errHeaderReply
		}
		if number == field && kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(message[n:])
			if err := visit(value); err != nil {
				return err
			}
		}
		message = message[n+size:]
	}
	return nil
}
