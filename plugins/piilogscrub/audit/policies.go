package audit

import (
	"encoding/json"
	"log/slog"
	"regexp"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// What a record holds unread while texts are dropped.
var (
	plainIdentifier = regexp.MustCompile(`^[0-9a-f-]{1,36}$`)
	plainWord       = regexp.MustCompile(`^[a-z_-]{1,20}$`)
)

// identifier is the id of a request or a trace. They are the gateway's own, and all that
// is left to find a request by where its texts are dropped.
func (rec *Recorder) identifier(name, id string) string {
	if rec.Degraded != "" && plainIdentifier.MatchString(id) {
		return id
	}
	return rec.Texts.Value(place, name, id)
}

// policies is what the plugins decided. Decisions that came through Kong may be anything,
// written by any plugin; they are scrubbed as any other JSON is.
func (rec *Recorder) policies(v any) slog.Attr {
	const name = "policies"
	if decisions, ok := v.(kongrecord.Decisions); ok {
		return slog.GroupAttrs(name, rec.words(decisions)...)
	}
	if rec.Degraded != "" {
		return slog.Any(name, rec.plainWords(v))
	}
	text, err := json.Marshal(v)
	if err != nil {
		return slog.String(name, scrub.Dropped.Marker())
	}
	var scrubbed any
	if json.Unmarshal([]byte(rec.Texts.Text(place, string(text), scrub.FormatJSON)), &scrubbed) != nil {
		return slog.String(name, scrub.Dropped.Marker())
	}
	return slog.Any(name, scrubbed)
}

// words are decisions that never left the process.
func (rec *Recorder) words(decisions kongrecord.Decisions) []slog.Attr {
	var attrs []slog.Attr
	if rec.Degraded != "" {
		attrs = append(attrs, slog.String(rec.Degraded, kongrecord.Degraded))
	}
	for _, d := range decisions {
		attrs = append(attrs, slog.String(d.Plugin, d.Word))
	}
	return attrs
}

// plainWords are decisions that came through Kong while texts are dropped: each must be a
// single word of a plugin's.
func (rec *Recorder) plainWords(v any) map[string]string {
	all, _ := v.(map[string]any)
	words := map[string]string{rec.Degraded: kongrecord.Degraded}
	for plugin, word := range all {
		if word, ok := word.(string); ok && plainWord.MatchString(plugin) && plainWord.MatchString(word) {
			words[plugin] = word
		}
	}
	return words
}
