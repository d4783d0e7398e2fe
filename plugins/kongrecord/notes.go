package kongrecord

import (
	"maps"
	"strings"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/gatehousehq/gatehouse/plugins/kongwrite"
)

// Notes are log fields under one key, gatehouse: what our plugins tell of a request to
// log plugins, to the audit record, and to their own log phase, which reads Kong's
// record of the request anyway.
const notesPrefix = "gatehouse."

// Notes that are no decisions.
const (
	traceNote   = "trace"
	noTokenNote = "no-token"
)

// The notes that hold other notes, by the phase that leaves them.
const (
	RewriteBundle = "rewrite"
	AccessBundle  = "access"
)

// Degraded is the word of a plugin whose configuration has a mistake in it that no schema
// can find: it goes in its declared direction, with what is right in it.
const Degraded = "degraded"

// Decided is the note of what a plugin decided about the request, in a word; see
// [Record.Policies].
func Decided(plugin, decision string) kongwrite.LogField {
	return kongwrite.LogField{Key: notesPrefix + plugin, Value: structpb.NewStringValue(decision)}
}

// Traced is the note of the trace that the request is in, for where nobody else reads
// the record: its id, and a text for the log phase of whoever put it there; see
// [Record.Trace].
func Traced(id, text string) kongwrite.LogField {
	return kongwrite.LogField{Key: notesPrefix + traceNote, Value: structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{
		"id": structpb.NewStringValue(id), "text": structpb.NewStringValue(text),
	}})}
}

// NoToken is the note that Kong verified no token, so that the log phase need not ask;
// see [kongrequest.Event.Token].
func NoToken() kongwrite.LogField {
	return kongwrite.LogField{Key: notesPrefix + noTokenNote, Value: structpb.NewBoolValue(true)}
}

// Bundle is one log field in place of several notes, [RewriteBundle] or [AccessBundle],
// for where nobody else reads the record: each field costs a call. The next bundle of
// the name replaces it.
func Bundle(name string, notes ...kongwrite.LogField) kongwrite.LogField {
	fields := make(map[string]*structpb.Value, len(notes))
	for _, n := range notes {
		fields[strings.TrimPrefix(n.Key, notesPrefix)] = n.Value
	}
	return kongwrite.LogField{Key: notesPrefix + name, Value: structpb.NewStructValue(&structpb.Struct{Fields: fields})}
}

// takeNotes leaves the decisions in r.Policies, and puts the other notes where they
// belong.
func (r *Record) takeNotes() {
	notes, _ := r.Policies.(map[string]any)
	for _, name := range []string{RewriteBundle, AccessBundle} {
		bundle, _ := notes[name].(map[string]any)
		delete(notes, name)
		maps.Copy(notes, bundle)
	}
	if trace, ok := notes[traceNote].(map[string]any); ok {
		r.Trace, r.TraceID = trace["text"], trace["id"]
		delete(notes, traceNote)
	}
	r.NoToken, _ = notes[noTokenNote].(bool)
	delete(notes, noTokenNote)
	if len(notes) == 0 {
		r.Policies = nil
	}
}
