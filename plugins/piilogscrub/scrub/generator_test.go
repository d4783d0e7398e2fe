package scrub

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/internal/apikey"
)

// rounds is how often something is tried at random: a tenth of n with -short.
func rounds(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

// planter builds log texts with values planted in them and decoys around.
type planter struct{ r *rand.Rand }

func newPlanter(seed uint64) *planter {
	return &planter{rand.New(rand.NewPCG(seed, 7))}
}

func pick[T any](p *planter, list []T) T { return list[p.r.IntN(len(list))] }

func (p *planter) digits(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('0' + p.r.IntN(10))
	}
	return string(b)
}

func (p *planter) hex(n int) string {
	b := make([]byte, n/2)
	for i := range b {
		b[i] = byte(p.r.Uint32())
	}
	return hex.EncodeToString(b)
}

func (p *planter) letters(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[p.r.IntN(26)]
	}
	return string(b)
}

// value returns a value of the kind, made up.
func (p *planter) value(k Kind) string {
	switch k {
	case Email:
		return pick(p, []string{"anna", "j.doe", "x_y+tag", "o-neil99"}) + p.digits(2) + "@" +
			pick(p, []string{"example.com", "mail.example.co.uk", "firma.de", "test.io"})
	case Phone:
		return pick(p, []string{
			"+1212555" + p.digits(4), "+44 20 7946 0" + p.digits(3), "+49 30 90" + p.digits(6), "(212) 555-" + p.digits(4),
			"646-555-" + p.digits(4), "0490 75 4" + p.digits(1) + " 81", "01.84.17.61." + p.digits(2), "+33 6 12 34 56 " + p.digits(2),
		})
	case Card:
		return p.card()
	case IBAN:
		return p.iban()
	case USSSN:
		return fmt.Sprintf("%03d-%02d-%04d", 1+p.r.IntN(660), 1+p.r.IntN(99), 1+p.r.IntN(9999))
	case IP:
		if p.r.IntN(3) == 0 {
			return fmt.Sprintf("2001:db8:%s:%s::%s", p.hex(4), p.hex(4), p.hex(4))
		}
		return fmt.Sprintf("%d.%d.%d.%d", 1+p.r.IntN(223), p.r.IntN(256), p.r.IntN(256), p.r.IntN(256))
	case NationalID:
		return p.cpf()
	case JWT:
		return base64URL(`{"alg":"RS256"}`) + "." + base64URL(`{"sub":"`+p.digits(8)+`","tenant":"acme"}`) + "." + base64URL(p.hex(40))
	case Credential:
		return apikey.New()
	case Secret:
		return pick(p, []string{"AKIA" + p.letters(16), "ghp_" + p.letters(18) + p.digits(18), "xoxb-" + p.digits(12) + "-" + p.letters(24), "glpat-" + p.letters(10) + p.digits(10)})
	}
	return ""
}

func (p *planter) card() string {
	shape := pick(p, []struct {
		prefix string
		length int
	}{{"4", 16}, {"51", 16}, {"2221", 16}, {"34", 15}, {"37", 15}, {"6011", 16}, {"3528", 16}, {"36", 14}, {"62", 16}, {"6759", 16}, {"4", 13}})
	body := []byte(shape.prefix + p.digits(shape.length-len(shape.prefix)))
	for !luhn(body) {
		last := &body[len(body)-1]
		*last = '0' + (*last-'0'+1)%10
	}
	if len(body) != 16 || p.r.IntN(3) > 0 {
		return string(body)
	}
	sep := pick(p, []string{" ", "-"})
	return strings.Join([]string{string(body[:4]), string(body[4:8]), string(body[8:12]), string(body[12:])}, sep)
}

// cpf is Brazil's personal number, with its check digits.
func (p *planter) cpf() string {
	for {
		d := p.digits(11)
		var g gathered
		copy(g[:], d)
		if isCPF(g) {
			return d[:3] + "." + d[3:6] + "." + d[6:9] + "-" + d[9:]
		}
	}
}

func (p *planter) iban() string {
	country := pick(p, []struct{ code, bank string }{
		{"DE", p.digits(18)}, {"GB", p.letters(4) + p.digits(14)}, {"NL", p.letters(4) + p.digits(10)},
		{"FR", p.digits(23)}, {"NO", p.digits(11)}, {"ES", p.digits(20)},
	})
	for check := range 100 {
		v := fmt.Sprintf("%s%02d%s", country.code, check, country.bank)
		if check > 1 && ibanEnd([]byte(v), 0) > 0 {
			return v
		}
	}
	panic("no check digits make an account number")
}

// decoy returns something that looks like a value and is none.
func (p *planter) decoy() string { return pick(p, decoys)(p) }

// decoys make what gateways log beside values: identifiers, times, versions,
// amounts.
var decoys = []func(p *planter) string{
	(*planter).uuid,
	func(p *planter) string { return strings.ToUpper(p.uuid()) },
	func(p *planter) string { return p.hex(32) },
	func(p *planter) string { return p.hex(16) },
	func(p *planter) string { return p.hex(40) },
	func(p *planter) string { return "00-" + p.hex(32) + "-" + p.hex(16) + "-01" },
	func(p *planter) string { return "17639532" + p.digits(5) },                     // milliseconds
	func(p *planter) string { return "17639532" + p.digits(8) },                     // microseconds
	func(p *planter) string { return "17639532" + p.digits(2) + "." + p.digits(3) }, // seconds
	func(p *planter) string { return "18" + p.digits(17) },                          // a snowflake
	func(p *planter) string { return "01" + p.crockford(24) },                       // a ULID
	func(p *planter) string { return fmt.Sprintf("v%d.%d.%d", p.r.IntN(20), p.r.IntN(50), p.r.IntN(9999)) },
	func(p *planter) string { return fmt.Sprintf("v%d.%d.%d.0", p.r.IntN(20), p.r.IntN(50), p.r.IntN(99)) },
	func(p *planter) string { return fmt.Sprintf("%d.%02d", p.r.IntN(99999), p.r.IntN(100)) },
	func(p *planter) string {
		return fmt.Sprintf("%d,%03d.%02d", p.r.IntN(999), p.r.IntN(1000), p.r.IntN(100))
	},
	func(p *planter) string { return p.digits(7) },
	func(p *planter) string { return fmt.Sprintf("%d", 1+p.r.IntN(1e9)) },
	func(p *planter) string { return fmt.Sprintf("2025-%02d-%02d", 1+p.r.IntN(12), 1+p.r.IntN(28)) },
	func(p *planter) string {
		return fmt.Sprintf("2025-11-24T%02d:13:41.%03dZ", p.r.IntN(24), p.r.IntN(1000))
	},
	func(p *planter) string { return "order-2025-000" + p.digits(3) },
	func(p *planter) string { return fmt.Sprintf("INV-%s-%s", p.digits(4), p.digits(6)) },
	func(p *planter) string { return fmt.Sprintf("%d.%s", p.r.IntN(90), p.digits(7)) }, // a latitude
	func(p *planter) string {
		return fmt.Sprintf("%s:%s:%s:%s:%s:%s", p.hex(2), p.hex(2), p.hex(2), p.hex(2), p.hex(2), p.hex(2))
	},
	func(p *planter) string { return "sha256:" + p.hex(64) },
	func(p *planter) string { return fmt.Sprintf("%dx%d", p.r.IntN(4000), p.r.IntN(4000)) },
	func(p *planter) string { return "sku-" + p.letters(3) + p.digits(5) },
}

func (p *planter) crockford(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[p.r.IntN(32)]
	}
	return string(b)
}

func (p *planter) uuid() string {
	h := p.hex(32)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// planted is a text with one value in it, at want.
type planted struct {
	where string
	text  string
	f     Format
	want  Finding
}

// keyFor is a name that a value of the kind may stand under in an API.
var keyFor = map[Kind]string{
	Email: "email", Phone: "phone", Card: "card", IBAN: "iban", USSSN: "ssn", IP: "client_ip",
	NationalID: "cpf", JWT: "jwt", Secret: "note", Credential: "memo",
}

// place is a way to write a value into a log text: what is before and behind
// it, and how it is encoded there.
type place struct {
	name          string
	before, after string // {key} is a name for the kind, {decoy} a decoy
	encode        encoder
	f             Format
}

// encoder writes a value that stands under a key. Only what it returns as body
// is the value; the other two are what the encoding puts around it.
type encoder func(key, value string) (lead, body, trail string)

// each is an encoder that encodes nothing but the value.
func each(encode func(string) string) encoder {
	return func(_, v string) (string, string, string) { return "", encode(v), "" }
}

func same(s string) string { return s }

func twice(s string) string { return percentAll(percentAll(s)) }

// object is a JSON object in which all but letters and digits is encoded.
func object(encode func(string) string) encoder {
	return func(key, v string) (string, string, string) {
		return encode(`{"` + key + `":"`), encode(v), encode(`","n":1}`)
	}
}

// hidden is an encoder that encodes the whole of an object, of which the value
// cannot be told apart.
func hidden(encode func(string) string) encoder {
	return func(key, v string) (string, string, string) {
		return "", encode(`{"` + key + `":"` + v + `"}`), ""
	}
}

func base64URL(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func base64Twice(s string) string {
	return base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(s))))
}

// percentAll encodes every byte that is no letter or digit.
func percentAll(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if is(s[i], alnum) {
			b.WriteByte(s[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", s[i])
		}
	}
	return b.String()
}

func unicodeEscapes(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if is(s[i], alnum) {
			b.WriteByte(s[i])
		} else {
			fmt.Fprintf(&b, `\u%04x`, s[i])
		}
	}
	return b.String()
}

const accessHead = `- - - [24/Nov/2025:03:13:41 +0000] "GET `
const accessTail = ` HTTP/1.1" 200 4821 "-" "Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0.0.0" kong_request_id: "6b3f0a1c2d4e5f60718293a4b5c6d7e8"`

var places = []place{
	{"access query", accessHead + "/v1/search?id={decoy}&{key}=", "&t={decoy}" + accessTail, each(url.QueryEscape), FormatAccess},
	{"access query, twice", accessHead + "/v1/search?{key}=", "&t={decoy}" + accessTail, each(twice), FormatAccess},
	{"access query, JSON", accessHead + "/v1/search?filter=", "&t={decoy}" + accessTail, object(percentAll), FormatAccess},
	{"access path", accessHead + "/v1/{key}/", "/orders/{decoy}" + accessTail, each(url.PathEscape), FormatAccess},
	{"access referrer", accessHead + `/ HTTP/1.1" 200 1 "https://app.example.com/x?{key}=`, `&y={decoy}" "curl/8.4.0"`, each(percentAll), FormatAccess},
	{"query", "page=2&id={decoy}&{key}=", "&trace={decoy}", each(url.QueryEscape), FormatQuery},
	{"nested form", "next=", "%26page%3D2", func(key, v string) (string, string, string) { return "%2Fx%3F" + key + "%3D", twice(v), "" }, FormatQuery},
	{"JSON", `{"id":"{decoy}","n":17639532000,"{key}":"`, `","trace_id":"{decoy}"}`, each(same), FormatJSON},
	{"JSON escapes", `{"a":["{decoy}"],"{key}":"`, `"}`, each(unicodeEscapes), FormatJSON},
	{"JSON in JSON", `{"id":"{decoy}","body":"{\"{key}\":\"`, `\"}"}`, each(same), FormatJSON},
	{"JSON in text", `level=info msg="sent" body="{\"{key}\":\"`, `\",\"id\":\"{decoy}\"}"`, each(same), FormatText},
	{"header", "X-Customer-{key}: ", "; trace={decoy}", each(same), FormatText},
	{"list", "X-Seen: {decoy}, {key}=", ", {decoy}", each(same), FormatText},
	{"message", "order {decoy} of {key} ", " was refused after 1763953200000", each(same), FormatText},
	{"base64", "state=", "&n={decoy}", hidden(base64URL), FormatQuery},
	{"base64, twice", "X-State: ", "; n={decoy}", hidden(base64Twice), FormatText},
}

// plant writes a value into a place.
func (p *planter) plant(at place, k Kind, v string) planted {
	fill := func(s string) string {
		s = strings.ReplaceAll(s, "{key}", keyFor[k])
		for strings.Contains(s, "{decoy}") {
			s = strings.Replace(s, "{decoy}", p.decoy(), 1)
		}
		return s
	}
	lead, body, trail := at.encode(keyFor[k], v)
	lead = fill(at.before) + lead
	return planted{
		where: at.name, f: at.f,
		text: lead + body + trail + fill(at.after),
		want: Finding{k, len(lead), len(lead) + len(body)},
	}
}
