package spanscrub

import (
	"net/netip"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/gatehousehq/gatehouse/internal/network"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// texts scrubs what is in spans.
type texts struct {
	engine *scrub.Engine
	url    *scrub.Engine // the same, with the route as a path template

	in, out []byte // memory that each text uses again
}

// attributes is list without what is found in it, which is left as it is.
func (t *texts) attributes(list []attribute.KeyValue) []attribute.KeyValue {
	copied := false
	for i, kv := range list {
		value, changed := t.value(kv)
		if !changed {
			continue
		}
		if !copied {
			list, copied = slices.Clone(list), true
		}
		list[i].Value = value
	}
	return list
}

// value is what becomes of the value of an attribute, and whether that is another.
func (t *texts) value(kv attribute.KeyValue) (attribute.Value, bool) {
	switch kv.Value.Type() {
	case attribute.STRING:
		before := kv.Value.AsString()
		after := t.attribute(kv.Key, before)
		return attribute.StringValue(after), after != before
	case attribute.STRINGSLICE:
		list := kv.Value.AsStringSlice()
		changed := false
		for i, before := range list {
			list[i] = t.attribute(kv.Key, before)
			changed = changed || list[i] != before
		}
		return attribute.StringSliceValue(list), changed
	}
	return kv.Value, false
}

// attribute scrubs by what the semantic conventions say of a key. Any other is the name
// of a field, whose value is redacted whole if the policy says so.
func (t *texts) attribute(key attribute.Key, text string) string {
	switch key {
	case "http.request.method", "url.scheme", "network.protocol.version":
		return text // one of a few words
	case "url.path", "url.full", "http.url", "http.target":
		return t.scrub(t.url, text, scrub.FormatURL)
	case "url.query":
		return t.scrub(t.engine, text, scrub.FormatQuery)
	case "client.address", "network.peer.address", "net.sock.peer.addr":
		return t.network(text)
	case "server.address", "network.local.address":
		if _, err := netip.ParseAddr(text); err == nil {
			return text // a server's own address is nobody's
		}
		return t.text(text)
	}
	t.in = append(t.in[:0], text...)
	var found scrub.Tally
	t.out, found = t.engine.Value(t.out[:0], string(key), t.in)
	return t.cleaned(text, found)
}

// minText is the length of the shortest text without a name that says anything: "a@b.c".
const minText = 5

// text scrubs text of any kind.
func (t *texts) text(text string) string {
	if len(text) < minText {
		return text
	}
	return t.scrub(t.engine, text, scrub.FormatText)
}

func (t *texts) scrub(engine *scrub.Engine, text string, f scrub.Format) string {
	t.in = append(t.in[:0], text...)
	var found scrub.Tally
	t.out, found = engine.Scrub(t.out[:0], t.in, f)
	return t.cleaned(text, found)
}

// cleaned is what the engine wrote, or text itself if it found nothing.
func (t *texts) cleaned(text string, found scrub.Tally) string {
	if found == (scrub.Tally{}) {
		return text
	}
	return strings.ToValidUTF8(string(t.out), "?") // OTLP takes no other
}

// network is the network of a client's address, written as one, so that it does not pass
// for an address: 203.0.113.0/24 or 2001:db8:7::/48.
func (t *texts) network(text string) string {
	of, err := network.Of(text)
	if err != nil {
		return t.text(text)
	}
	return of.String()
}
