package kongrecord

import "maps"

// Notes are log fields under the key gatehouse, by these names or that of a plugin that
// decided: what our plugins tell of a request to log plugins, to the audit record, and to
// their own log phase, which reads Kong's record of the request anyway. Package kongwrite
// writes them.
const (
	NotesField       = "gatehouse"
	TraceNote        = "trace"
	NoTokenNote      = "no-token"
	TokenRefusedNote = "token-refused"
	LimitNote        = "limit"
	SampledNote      = "sampled"
)

// The names of bundles of notes, by the phase that leaves them.
const (
	RewriteBundle = "rewrite"
	AccessBundle  = "access"
)

// Degraded is the word of a plugin whose configuration has a mistake in it that no schema
// can find: it goes in its declared direction, with what is right in it.
const Degraded = "degraded"

// takeNotes leaves the decisions in r.Policies, and moves the other notes to the fields
// that they are for. Notes that came in a bundle count as if they had come one by one.
func (r *Record) takeNotes() {
	notes, _ := r.Policies.(map[string]any)
	for _, name := range []string{RewriteBundle, AccessBundle} {
		bundle, _ := notes[name].(map[string]any)
		delete(notes, name)
		maps.Copy(notes, bundle)
	}
	if trace, ok := notes[TraceNote].(map[string]any); ok {
		r.Trace, r.TraceID = trace["text"], trace["id"]
		r.HasSpans, _ = trace[SampledNote].(bool)
		delete(notes, TraceNote)
	}
	if sampled, ok := notes[SampledNote].(bool); ok {
		r.HasSpans = sampled
		delete(notes, SampledNote)
	}
	r.NoToken, _ = notes[NoTokenNote].(bool)
	delete(notes, NoTokenNote)
	r.TokenRefused, _ = notes[TokenRefusedNote].(bool)
	delete(notes, TokenRefusedNote)
	r.Limit, _ = notes[LimitNote].(string)
	delete(notes, LimitNote)
	if len(notes) == 0 {
		r.Policies = nil
	}
}
