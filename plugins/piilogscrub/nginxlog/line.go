package nginxlog

import (
	"strconv"
	"time"
	"unicode/utf8"

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
	out    []byte
	text   []byte
	// ended is told of each request that a line of our own format is about.
	ended func(*kongrecord.Record)
}

// line appends one datagram as a JSON line, and returns which log it is from:
// "access", "error", or "text" for a line that is of neither and is scrubbed as
// one text.
func (w *writer) line(datagram []byte, now time.Time) (log string) {
	text, severity := datagram, ""
	if m, err := Parse(datagram); err == nil {
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
	if e, ok := ParseError(text, w.zone); ok {
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

// facts writes a line of our own format as it would one of Kong's.
func (w *writer) facts(f *facts) {
	w.begin(f.end(), "access")
	w.scrubbed("client_ip", f[factClient], scrub.FormatText)
	w.scrubbed("request", f[factRequest], scrub.FormatRequest)
	w.number("status", f[factStatus])
	w.number("bytes", f[factBody])
	w.scrubbed("referrer", orDash(f[factReferrer]), scrub.FormatURL)
	w.scrubbed("user_agent", orDash(f[factAgent]), scrub.FormatText)
	w.value("request_id", f[factID])
	w.end()
	if w.ended != nil {
		w.ended(f.record())
	}
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

func (w *writer) error(e *ErrorLine) {
	w.begin(e.Time, "error")
	w.string("level", []byte(e.Level))
	w.scrubbed("message", e.Message, scrub.FormatText)
	w.out = append(w.out, `,"pid":`...)
	w.out = strconv.AppendInt(w.out, int64(e.PID), 10)
	if e.Conn > 0 {
		w.out = append(w.out, `,"connection":`...)
		w.out = strconv.AppendInt(w.out, int64(e.Conn), 10)
	}
	for _, f := range e.Fields {
		w.field(f)
	}
	w.end()
}

// field writes a field of an error under its own name, which is of a known few.
func (w *writer) field(f Field) {
	switch name := string(f.Name); name {
	case "request", "subrequest":
		w.scrubbed(name, f.Value, scrub.FormatRequest)
	case "upstream", "referrer":
		w.scrubbed(name, f.Value, scrub.FormatURL)
	case "client":
		w.scrubbed("client_ip", f.Value, scrub.FormatText)
	case "request_id":
		w.value(name, f.Value)
	case "server", "host":
		w.scrubbed(name, f.Value, scrub.FormatText)
	default:
		w.scrubbed("rest", f.Value, scrub.FormatText)
	}
}

func (w *writer) begin(when time.Time, log string) {
	w.out = append(w.out, `{"time":"`...)
	w.out = when.AppendFormat(w.out, time.RFC3339)
	w.out = append(w.out, `","log":"`...)
	w.out = append(w.out, log...)
	w.out = append(w.out, '"')
}

func (w *writer) end() { w.out = append(w.out, "}\n"...) }

// scrubbed writes a text without what the policy names.
func (w *writer) scrubbed(name string, text []byte, f scrub.Format) {
	var t scrub.Tally
	w.text, t = w.engine.Scrub(w.text[:0], text, f)
	w.tally.Add(t)
	w.string(name, w.text)
}

// value writes the value of a field of a name that the policy may know.
func (w *writer) value(name string, text []byte) {
	var t scrub.Tally
	w.text, t = w.engine.Value(w.text[:0], name, text)
	w.tally.Add(t)
	w.string(name, w.text)
}

// number writes digits as a number, and "-" as null.
func (w *writer) number(name string, digits []byte) {
	n, err := strconv.ParseUint(string(digits), 10, 64)
	w.out = append(append(append(w.out, `,"`...), name...), `":`...)
	if err != nil {
		w.out = append(w.out, "null"...)
		return
	}
	w.out = strconv.AppendUint(w.out, n, 10)
}

func (w *writer) string(name string, s []byte) {
	w.out = append(append(append(w.out, `,"`...), name...), `":"`...)
	w.out = appendEscaped(w.out, s)
	w.out = append(w.out, '"')
}

const hexDigits = "0123456789abcdef"

// appendEscaped appends s as the inside of a JSON string (RFC 8259, 7); what is
// not UTF-8 becomes U+FFFD.
func appendEscaped(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
			i++
		case c < ' ' || c == 0x7f:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			i++
		case c < utf8.RuneSelf:
			dst = append(dst, c)
			i++
		default:
			r, size := utf8.DecodeRune(s[i:])
			dst = utf8.AppendRune(dst, r)
			i += size
		}
	}
	return dst
}

// note writes a line of the receiver's own, about lines that are not there.
func (w *writer) note(when time.Time, message string, lines uint64) {
	w.begin(when, "receiver")
	w.string("level", []byte("warn"))
	w.string("message", []byte(message))
	w.out = append(w.out, `,"lines":`...)
	w.out = strconv.AppendUint(w.out, lines, 10)
	w.end()
}
