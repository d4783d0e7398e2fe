package kongwrite

import (
	"strings"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
)

// notesPrefix begins the key of each note.
const notesPrefix = kongrecord.NotesField + "."

// Decided is the note of what a plugin decided about the request, in a word; see
// [kongrecord.Record].
func Decided(plugin, decision string) LogField {
	return LogField{Key: notesPrefix + plugin, Value: structpb.NewStringValue(decision)}
}

// Traced is the note of the trace that the request is in, for where there are no log
// plugins to read the record: the trace's id, a text for the log phase of the plugin that
// put the request in the trace, and whether it is [Sampled]; see [kongrecord.Record].
func Traced(id, text string, sampled bool) LogField {
	return LogField{Key: notesPrefix + kongrecord.TraceNote, Value: structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{
		"id": structpb.NewStringValue(id), "text": structpb.NewStringValue(text),
		kongrecord.SampledNote: structpb.NewBoolValue(sampled),
	}})}
}

// Sampled is the note that the gateway exports spans of the request, for where its trace is
// in log fields; see [kongrecord.Record].
func Sampled() LogField {
	return LogField{Key: notesPrefix + kongrecord.SampledNote, Value: structpb.NewBoolValue(true)}
}

// NoToken is the note that Kong verified no token, so that the log phase need not ask;
// see [kongrequest.Event.Token].
func NoToken() LogField {
	return LogField{Key: notesPrefix + kongrecord.NoTokenNote, Value: structpb.NewBoolValue(true)}
}

// TokenRefused is the note that the token which Kong verified was refused: its claims say
// nothing of who was asking.
func TokenRefused() LogField {
	return LogField{Key: notesPrefix + kongrecord.TokenRefusedNote, Value: structpb.NewBoolValue(true)}
}

// Limited is the note of which limit denied the request; see [kongrecord.Record].
func Limited(limit string) LogField {
	return LogField{Key: notesPrefix + kongrecord.LimitNote, Value: structpb.NewStringValue(limit)}
}

// Bundle is one log field in place of several notes, [kongrecord.RewriteBundle] or [kongrecord.AccessBundle],
// for where there are no log plugins to read the record: each field costs a call. A later
// bundle of the same name replaces it, as where Kong runs an event again.
func Bundle(name string, notes ...LogField) LogField {
	fields := make(map[string]*structpb.Value, len(notes))
	for _, n := range notes {
		fields[strings.TrimPrefix(n.Key, notesPrefix)] = n.Value
	}
	return LogField{Key: notesPrefix + name, Value: structpb.NewStructValue(&structpb.Struct{Fields: fields})}
}
