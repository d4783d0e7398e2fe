package nginxlog

import (
	"bytes"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-faster/jx"

	"github.com/gatehousehq/gatehouse/plugins/kongrecord"
	"github.com/gatehousehq/gatehouse/plugins/piilogscrub/scrub"
)

// accessTimeLayout is nginx's $time_local.
const accessTimeLayout = "02/Jan/2006:15:04:05 -0700"

// writer makes JSON of lines. It keeps its memory between them.
type writer struct {
	engine *scrub.Engine
	zone   *time.Location // of the times in the error log
	tally  scrub.Tally
	out    []byte     // whole lines
	json   jx.Encoder // the line that is being made
	text   []byte
	// ended gets each request that a line in our own format is about, and may put it in a
	// trace.
	ended func(*kongrecord.Record)
	// sooner gets the headers of each response in which a service's date of an API
	// version's life was earlier than the gateway's, with commas between.
	sooner func(headers string)
}

// line appends one datagram as a JSON line, and returns which log it is from:
// "access", "error", or "text" for a line that is of neither and is scrubbed as
// one text.
func (w *writer) line(datagram []byte, now time.Time) (log string) {
	text, severity := datagram, ""
	if m, err := parseSyslog(datagram); err == nil {
		text, severity = m.Text, severityNames[m.Severity]
	}
	if f, ok := parseFacts(text); ok {
		w.facts(&f)
		return "access"
	}
	if a, ok := scrub.ParseAccess(text); ok {
		if when, err := time.Parse(accessTimeLayout, string(a.Time.Of(text))); err == nil {
			w.access(text, a, when)
			return "access"
		}
	}
	if e, ok := parseError(text, w.zone); ok {
		w.error(&e)
		return "error"
	}
	w.begin(now, "text")
	if severity != "" {
		w.string("level", []byte(severity))
	}
	w.scrubbed("message", text, scrub.FormatText)
	w.end()
	return "text"
}

// facts writes a line of our own format as it would one of Kong's, and the trace beside
// it: that of whoever knows of the request, since the client may have been told none.
func (w *writer) facts(f *facts) {
	request := f.record()
	if w.ended != nil {
		w.ended(request)
	}
	w.begin(f.end(), "access")
	w.scrubbed("client_ip", f[factClient], scrub.FormatText)
	w.whole("request", f[factRequest], scrub.FormatRequest, cut(f[factRequest]))
	w.number("status", f[factStatus])
	w.number("bytes", f[factBody])
	w.whole("referrer", orDash(f[factReferrer]), scrub.FormatURL, cut(f[factReferrer]))
	w.whole("user_agent", orDash(f[factAgent]), scrub.FormatText, cut(f[factAgent]))
	w.value("request_id", f[factID])
	if id, ok := request.TraceID.(string); ok {
		w.value("trace_id", []byte(id))
	}
	if sooner := f[factSooner]; len(sooner) > 0 {
		w.value("service_sooner", sooner)
		w.sooner(string(sooner))
	}
	w.end()
}

// orDash is how Kong's own format writes what is not there.
func orDash(text []byte) []byte {
	if len(text) == 0 {
		return []byte("-")
	}
	return text
}

func (w *writer) access(line []byte, a scrub.Access, when time.Time) {
	w.begin(when, "access")
	w.scrubbed("client_ip", a.Addr.Of(line), scrub.FormatText)
	if user := a.User.Of(line); string(user) != "-" {
		w.string("user", []byte(scrub.Field.Marker()))
		w.tally[scrub.Field]++
	}
	w.scrubbed("request", a.Request.Of(line), scrub.FormatRequest)
	w.number("status", a.Status.Of(line))
	w.number("bytes", a.Size.Of(line))
	w.scrubbed("referrer", a.Referrer.Of(line), scrub.FormatURL)
	w.scrubbed("user_agent", a.Agent.Of(line), scrub.FormatText)
	if id := a.RequestID.Of(line); len(id) > 0 {
		w.value("request_id", id)
	}
	if rest := a.Rest.Of(line); len(rest) > 0 {
		w.scrubbed("rest", rest, scrub.FormatText)
	}
	w.end()
}

func (w *writer) error(e *errorLine) {
	w.begin(e.Time, "error")
	w.string("level", []byte(e.Level))
	w.whole("message", e.Message, scrub.FormatText, e.Cut)
	w.integer("pid", int64(e.PID))
	if e.Conn > 0 {
		w.integer("connection", int64(e.Conn))
	}
	for _, f := range e.Fields {
		w.field(f)
	}
	w.end()
}

// field writes a field of an error under its own name, which is of a known few.
func (w *writer) field(f errorField) {
	switch name := string(f.Name); name {
	case "request", "subrequest":
		w.whole(name, f.Value, scrub.FormatRequest, f.Cut)
	case "upstream", "referrer":
		w.whole(name, f.Value, scrub.FormatURL, f.Cut)
	case "client":
		w.whole("client_ip", f.Value, scrub.FormatText, f.Cut)
	case "request_id":
		w.value(name, f.Value)
	case "server", "host":
		w.whole(name, f.Value, scrub.FormatText, f.Cut)
	default:
		w.whole("rest", f.Value, scrub.FormatText, f.Cut)
	}
}

func (w *writer) begin(when time.Time, log string) {
	w.json.Reset() // of what a panic may have left
	w.json.ObjStart()
	w.text = when.AppendFormat(w.text[:0], time.RFC3339)
	w.string("time", w.text)
	w.string("log", []byte(log))
}

func (w *writer) end() {
	w.json.ObjEnd()
	w.out = append(append(w.out, w.json.Bytes()...), '\n')
}

// scrubbed writes a text without what the policy names.
func (w *writer) scrubbed(name string, text []byte, f scrub.Format) {
	var t scrub.Tally
	w.text, t = w.engine.Scrub(w.text[:0], text, f)
	w.tally.Add(t)
	w.string(name, w.text)
}

// whole writes a text that is scrubbed, unless nginx has cut it: what was cut in two has
// lost the form that it is found by.
func (w *writer) whole(name string, text []byte, f scrub.Format, cut bool) {
	if !cut {
		w.scrubbed(name, text, f)
		return
	}
	w.string(name, []byte(scrub.Dropped.Marker()))
	w.tally[scrub.Dropped]++
}

// value writes the value of a field of a name that the policy may know.
func (w *writer) value(name string, text []byte) {
	var t scrub.Tally
	w.text, t = w.engine.Value(w.text[:0], name, text)
	w.tally.Add(t)
	w.string(name, w.text)
}

// number writes digits as a number, and anything else, such as "-", as null.
func (w *writer) number(name string, digits []byte) {
	n, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil || n < 0 {
		w.json.FieldStart(name)
		w.json.Null()
		return
	}
	w.integer(name, n)
}

func (w *writer) integer(name string, n int64) {
	w.json.FieldStart(name)
	w.json.Int64(n)
}

// string writes s as UTF-8; each run of bytes that are not becomes U+FFFD.
func (w *writer) string(name string, s []byte) {
	if !utf8.Valid(s) {
		s = bytes.ToValidUTF8(s, []byte("\uFFFD"))
	}
	w.json.FieldStart(name)
	w.json.ByteStr(s)
}

// note writes a line of the receiver's own, about lines that are not there.
func (w *writer) note(when time.Time, message string, lines uint64) {
	w.begin(when, "receiver")
	w.string("level", []byte("warn"))
	w.string("message", []byte(message))
	w.integer("lines", int64(lines))
	w.end()
}
