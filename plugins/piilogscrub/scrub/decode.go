package scrub

import (
	"encoding/base64"
	"strings"
	"sync"
	"unicode/utf8"
)

// buffer holds a decoded text, and where each of its bytes came from.
type buffer struct {
	b  []byte
	at []int32 // at[i] is where b[i] begins in the original; one more for the end

	encode *strings.Replacer // writes quotes and backslashes as the original would have them
}

var buffers = sync.Pool{New: func() any { return new(buffer) }}

func getBuffer() *buffer { return buffers.Get().(*buffer) }

func (d *buffer) release() { buffers.Put(d) }

func (d *buffer) reset() { d.b, d.at, d.encode = d.b[:0], d.at[:0], nil }

// encoded is how the original has a quote that is put into the decoded text, so that what
// stands in for a number of JSON in JSON is a string on every level.
func (d *buffer) encoded(quote string) string {
	if quote == "" || d.encode == nil {
		return quote
	}
	return d.encode.Replace(quote)
}

// Ways to write a quote.
var (
	inJSON    = strings.NewReplacer(`"`, `\"`, `\`, `\\`)
	inPercent = strings.NewReplacer(`"`, "%22", `\`, "%5C", "%", "%25")
	inMarkup  = strings.NewReplacer(`"`, "&quot;", "&", "&amp;")
)

func (d *buffer) put(c byte, from int) {
	d.b = append(d.b, c)
	d.at = append(d.at, int32(from))
}

// where maps an offset into the decoded text to one into the original.
func (d *buffer) where(i int) int { return int(d.at[i]) }

// percent decodes src (RFC 3986, 2.1, and the %u0000 of old browsers), which
// begins at base in the original. What is no escape stays as it is.
func (d *buffer) percent(src []byte, base int) {
	d.reset()
	d.encode = inPercent
	for i := 0; i < len(src); {
		r, size := percentEscape(src, i)
		switch size {
		case 0:
			d.put(src[i], base+i)
			i++
			continue
		case percentByte:
			d.put(byte(r), base+i)
		default:
			d.putRune(r, base+i)
		}
		i += size
	}
	d.at = append(d.at, int32(base+len(src)))
}

// putRune puts a character that is written at from.
func (d *buffer) putRune(r rune, from int) {
	var enc [utf8.UTFMax]byte
	for _, c := range enc[:utf8.EncodeRune(enc[:], r)] {
		d.put(c, from)
	}
}

const percentByte = len("%00")

// percentEscape returns the byte or character that is encoded at b[i] and the
// length of the escape, 0 if there is none.
func percentEscape(b []byte, i int) (r rune, size int) {
	switch {
	case b[i] != '%':
		return 0, 0
	case isPercent(b, i):
		return rune(hexValue(b[i+1])<<4 | hexValue(b[i+2])), percentByte
	case at(b, i+1)|0x20 == 'u':
		return hexEscape(b, i, unicodeEscape)
	}
	return 0, 0
}

// isPercent reports whether a percent-encoded byte is at b[i].
func isPercent(b []byte, i int) bool {
	return b[i] == '%' && i+2 < len(b) && is(b[i+1], hexDigit) && is(b[i+2], hexDigit)
}

// Lengths of the escapes that write a character by its number.
const (
	unicodeEscape = len(`\u0000`) // JSON's
	byteEscape    = len(`\x00`)   // nginx's, of one byte
)

// json decodes the escapes of a JSON string (RFC 8259, 7) and of nginx's logs.
// What is no escape stays as it is.
func (d *buffer) json(src []byte, base int) {
	d.reset()
	d.encode = inJSON
	for i := 0; i < len(src); {
		r, size := jsonEscape(src, i)
		switch size {
		case 0:
			d.put(src[i], base+i)
			i++
			continue
		case byteEscape:
			d.put(byte(r), base+i)
			i += size
			continue
		}
		d.putRune(r, base+i)
		i += size
	}
	d.at = append(d.at, int32(base+len(src)))
}

// jsonEscape returns the rune that is escaped at b[i] and the length of the
// escape, 0 if there is none. Half of a surrogate pair becomes U+FFFD.
func jsonEscape(b []byte, i int) (r rune, size int) {
	if b[i] != '\\' || i+1 >= len(b) {
		return 0, 0
	}
	switch c := b[i+1]; c {
	case '"', '\\', '/':
		return rune(c), 2
	case 'b', 'f':
		return ' ', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		return hexEscape(b, i, unicodeEscape)
	case 'x':
		return hexEscape(b, i, byteEscape)
	}
	return 0, 0
}

// hexEscape returns the number in the escape of the given size at b[i].
func hexEscape(b []byte, i, size int) (rune, int) {
	if i+size > len(b) {
		return 0, 0
	}
	var r rune
	for _, c := range b[i+2 : i+size] {
		v := hexValue(c)
		if v < 0 {
			return 0, 0
		}
		r = r<<4 | rune(v)
	}
	return r, size
}

// base64 decodes src in either alphabet, padded or not, and reports whether it
// is text. No offsets are kept: what text in base64 shows redacts all of it.
func (d *buffer) base64(src []byte) bool {
	d.reset()
	d.b = append(d.b, src...)
	toStandard(d.b)
	n, err := base64.RawStdEncoding.Decode(d.b, d.b)
	d.b = d.b[:n]
	return err == nil && isText(d.b, true)
}

// isText reports whether b is printable UTF-8; unless whole, it may end within
// a character.
func isText(b []byte, whole bool) bool {
	for i := 0; i < len(b); {
		c := b[i]
		if c < utf8.RuneSelf {
			if c < ' ' && !is(c, blank) || c == 0x7f {
				return false
			}
			i++
			continue
		}
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError {
			return !whole && !utf8.FullRune(b[i:])
		}
		i += size
	}
	return true
}
