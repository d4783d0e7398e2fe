package scrub

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// logFormat is a format that programs log in. A line of it is one of its templates, of
// which each {name} is a value of [fieldMakers]. Nothing in it is personal but addresses.
type logFormat struct {
	name      string
	templates []string
}

// line returns a line of the format, and the network addresses in it.
func (p *planter) line(f logFormat) (line string, addresses map[string]bool) {
	addresses = map[string]bool{}
	var b strings.Builder
	rest := pick(p, f.templates)
	for {
		text, name, found := strings.Cut(rest, "{{")
		b.WriteString(text)
		if !found {
			return b.String(), addresses
		}
		name, rest, _ = strings.Cut(name, "}}")
		value := fieldMakers[name](p)
		if name == "ip" || name == "ip4" {
			addresses[value] = true
		}
		b.WriteString(value)
	}
}

// wide returns a number that has any count of digits up to that of most as easily.
func (p *planter) wide(most float64) int {
	if p.r.IntN(12) == 0 {
		return 0
	}
	return int(math.Pow(most, p.r.Float64()))
}

func (p *planter) number(most float64) string { return strconv.Itoa(p.wide(most)) }

// decimal returns a number with a point, with as many digits behind it.
func (p *planter) decimal(most float64, places int) string {
	v := math.Pow(most*1e4, p.r.Float64()) / 1e4
	return strconv.FormatFloat(v, 'f', places, 64)
}

func (p *planter) time() time.Time {
	return time.Unix(1_500_000_000+p.r.Int64N(400_000_000), p.r.Int64N(1e9)).UTC()
}

// layouts are times as programs write them.
var layouts = []string{
	"2006-01-02T15:04:05Z", "2006-01-02T15:04:05.000Z", "2006-01-02T15:04:05.000000Z", "2006-01-02T15:04:05.000000000Z",
	"2006-01-02T15:04:05.000-0700", "2006-01-02T15:04:05-07:00", "2006-01-02T15:04:05.999999999Z",
}

var zones = []*time.Location{
	time.UTC, time.FixedZone("", 3600), time.FixedZone("", -5*3600), time.FixedZone("", 5*3600+1800), time.FixedZone("", -9*3600),
}

func layout(l string) func(*planter) string {
	return func(p *planter) string { return p.time().In(pick(p, zones)).Format(l) }
}

var agents = []string{
	"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{{n3}}.0.0.0 Safari/537.36",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{{n3}}.0.{{n4}}.{{n3}} Safari/537.36 Edg/{{n3}}.0.{{n4}}.{{n2}}",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 17_1_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1.2 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{{n3}}.0.0.0 Mobile Safari/537.36",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{{n3}}.0) Gecko/20100101 Firefox/{{n3}}.0",
	"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot-Image/1.0",
	"okhttp/4.12.0", "curl/8.4.0", "python-requests/2.32.3", "Go-http-client/1.1", "kube-probe/1.27+", "ELB-HealthChecker/2.0",
	"Dalvik/2.1.0 (Linux; U; Android 13; SM-A536B Build/TP1A.{{n6}}.014)", "WhatsApp/2.23.{{n2}}.{{n2}} A",
	"Apache-HttpClient/4.5.13 (Java/11.0.21)", "Prometheus/2.45.0", "openresty/1.{{n2}}.3.1", "kong/3.9.0.{{n1}}", "axios/1.6.2", "-",
}

var segments = []string{
	"api", "v1", "v2", "orders", "mobile", "contact", "office", "users", "call", "cards", "static", "text", "message", "assets", "index.html", "app.js",
	"search", "items", "health", "img", "{{semver}}", "{{build}}", "{{id}}", "{{uuid}}", "{{hex32}}", "{{ulid}}", "{{snowflake}}", "{{date}}", "caf%E9", "{{word}}.{{hex8}}.js",
}

var queries = []string{
	"page={{n2}}", "limit={{n3}}", "sort=created_at", "since={{epochms}}", "ts={{epoch}}", "_={{epochms}}", "cb={{n8}}", "v={{build}}", "id={{id}}",
	"order_id={{id}}", "cursor={{ulid}}", "lang=fr", "q={{word}}+{{word}}", "lat={{lat}}&lon={{lat}}", "from={{date}}&to={{date}}", "w={{n3}}&h={{n4}}", "trace={{hex32}}",
}

func (p *planter) fill(template string) string {
	line, _ := p.line(logFormat{templates: []string{template}})
	return line
}

func (p *planter) path() string {
	var b strings.Builder
	for range 1 + p.r.IntN(5) {
		b.WriteString("/" + p.fill(pick(p, segments)))
	}
	return b.String()
}

func (p *planter) target() string {
	path := p.path()
	for i := range p.r.IntN(4) {
		path += string("?&&&"[i]) + p.fill(pick(p, queries))
	}
	return path
}

func (p *planter) upperHex(n int) string { return strings.ToUpper(p.hex(n)) }

// alphabet returns n bytes of an alphabet.
func (p *planter) alphabet(n int, of string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = of[p.r.IntN(len(of))]
	}
	return string(b)
}

const base62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

func upTo(most float64) func(*planter) string {
	return func(p *planter) string { return p.number(most) }
}

func decimals(most float64, n int) func(*planter) string {
	return func(p *planter) string { return p.decimal(most, n) }
}

func oneOf(list ...string) func(*planter) string {
	return func(p *planter) string { return p.fill(pick(p, list)) }
}

// fieldMakers make the values of the fields of log lines, from wide ranges.
var fieldMakers map[string]func(*planter) string

func init() { // as the makers use the templates, and these the makers
	fieldMakers = map[string]func(*planter) string{
		"ip4": func(p *planter) string {
			if p.r.IntN(3) == 0 {
				return fmt.Sprintf("10.%d.%d.%d", p.r.IntN(256), p.r.IntN(256), p.r.IntN(256))
			}
			return fmt.Sprintf("%d.%d.%d.%d", 1+p.r.IntN(223), p.r.IntN(256), p.r.IntN(256), p.r.IntN(256))
		},
		"ip": func(p *planter) string {
			if p.r.IntN(8) == 0 {
				return fmt.Sprintf("2001:db8:%s:%s::%s", p.hex(4), p.hex(4), p.hex(4))
			}
			return fieldMakers["ip4"](p)
		},
		"port":  func(p *planter) string { return strconv.Itoa(1024 + p.r.IntN(64511)) },
		"clf":   layout("02/Jan/2006:15:04:05 -0700"),
		"clfms": layout("02/Jan/2006:15:04:05.000"),
		"iso":   func(p *planter) string { return layout(pick(p, layouts))(p) },
		"day":   layout("2006-01-02"), "date": layout("2006-01-02"), "clock": layout("15:04:05"), "clockms": layout("15:04:05.000"),
		"clockus": layout("15:04:05.000000"), "comma": layout("15:04:05,000"), "slashes": layout("2006/01/02"), "syslog": layout("Jan _2 15:04:05"),
		"rediss": layout("02 Jan 2006 15:04:05.000"), "klog": layout("0102 15:04:05.000000"), "ctime": layout("Mon Jan _2 15:04:05.000000 2006"),
		"epoch":   func(p *planter) string { return strconv.FormatInt(p.time().Unix(), 10) },
		"epochms": func(p *planter) string { return strconv.FormatInt(p.time().UnixMilli(), 10) },
		"epochus": func(p *planter) string { return strconv.FormatInt(p.time().UnixMicro(), 10) },
		"epochns": func(p *planter) string { return strconv.FormatInt(p.time().UnixNano(), 10) },
		"epochf": func(p *planter) string {
			return strconv.FormatFloat(float64(p.time().UnixNano())/1e9, 'f', pick(p, []int{3, 6, 7, 9}), 64)
		},
		"status": oneOf("200", "200", "200", "201", "204", "206", "301", "302", "304", "400", "401", "403", "404", "413", "429", "499", "500", "502", "503", "504"),
		"method": oneOf("GET", "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"),
		"proto":  oneOf("HTTP/1.0", "HTTP/1.1", "HTTP/2.0", "HTTP/2", "HTTP/3.0"),
		"level":  oneOf("INFO", "WARN", "ERROR", "DEBUG"), "lower": oneOf("info", "warn", "error", "debug"),
		"size": upTo(1e10), "ms": upTo(1e6), "us": upTo(1e9), "ns": upTo(1e12), "count": upTo(1e7), "pid": upTo(4e6), "small": upTo(1e3), "big": upTo(1e19),
		"n1": upTo(10), "n2": upTo(100), "n3": upTo(1e3), "n4": upTo(1e4), "n6": upTo(1e6), "n8": upTo(1e8),
		"sec": decimals(100, 3), "sec6": decimals(100, 6), "f2": decimals(1e5, 2), "f1": decimals(1e4, 1), "f3": decimals(1e6, 3),
		"float":  func(p *planter) string { return strconv.FormatFloat(math.Pow(1e6, p.r.Float64())/1e3, 'f', -1, 64) },
		"tiny":   func(p *planter) string { return strconv.FormatFloat(p.r.Float64()/10, 'f', -1, 64) },
		"upsec":  oneOf("{{sec}}", "{{sec}}", "{{sec}}, {{sec}}", "-"),
		"lat":    func(p *planter) string { return strconv.FormatFloat(p.r.Float64()*180-90, 'f', 4+p.r.IntN(10), 64) },
		"semver": func(p *planter) string { return fmt.Sprintf("%d.%d.%d", p.r.IntN(40), p.r.IntN(40), p.wide(1e4)) },
		"build": func(p *planter) string {
			return fmt.Sprintf("%d.%d.%d-%s", p.r.IntN(20), p.r.IntN(40), p.r.IntN(99), p.digits(8))
		},
		"id": func(p *planter) string { return p.number(1e12) }, "id9": func(p *planter) string { return strconv.Itoa(1e8 + p.r.IntN(9e8)) },
		"id10": func(p *planter) string { return strconv.Itoa(1e9 + p.r.IntN(9e9)) },
		"uuid": (*planter).uuid,
		"hex8": func(p *planter) string { return p.hex(8) }, "hex7": func(p *planter) string { return p.hex(8)[:7] }, "hex9": func(p *planter) string { return p.hex(10)[:9] },
		"hex12": func(p *planter) string { return p.hex(12) }, "hex16": func(p *planter) string { return p.hex(16) }, "hex32": func(p *planter) string { return p.hex(32) },
		"hex40": func(p *planter) string { return p.hex(40) }, "hex64": func(p *planter) string { return p.hex(64) }, "HEX16": func(p *planter) string { return p.upperHex(16) },
		"HEX8": func(p *planter) string { return p.upperHex(8) },
		"ulid": func(p *planter) string { return "01" + p.crockford(24) }, "snowflake": func(p *planter) string { return "1" + p.digits(17+p.r.IntN(2)) },
		"b64id": func(p *planter) string { return p.alphabet(54, base62+"-_") + "==" }, "b64": func(p *planter) string { return p.alphabet(75, base62+"+/") + "=" },
		"rand20": func(p *planter) string { return p.alphabet(20, base62) }, "rails": (*planter).uuid,
		"account": func(p *planter) string { return p.digits(12) },
		"word":    oneOf("red", "order", "report", "summer", "checkout", "shop", "beta", "cache", "queue"),
		"noun":    func(p *planter) string { return pick(p, nouns) }, "n9": upTo(4294967295),
		"host": oneOf("web-{{n2}}", "shop.example.com", "ip-10-{{n2}}-{{n2}}-{{n3}}", "api-{{hex8}}", "db{{n1}}.internal"),
		"pod": func(p *planter) string {
			return "mobile-api-" + p.hex(10) + "-" + p.alphabet(5, "bcdfghjklmnpqrstvwxz2456789")
		},
		"path": (*planter).path, "target": (*planter).target,
		"query": func(p *planter) string {
			_, q, _ := strings.Cut(p.target()+"?-", "?")
			q, _, _ = strings.Cut(q, "?")
			return q
		},
		"url": func(p *planter) string { return "https://shop.example.com" + p.target() },
		"ref": func(p *planter) string {
			return pick(p, []string{"-", "https://www.example.org/", "https://shop.example.com" + p.target()})
		},
		"agent": func(p *planter) string { return p.fill(pick(p, agents)) },
		"iisua": func(p *planter) string { return strings.ReplaceAll(p.fill(pick(p, agents)), " ", "+") },
		"cfua":  func(p *planter) string { return strings.ReplaceAll(p.fill(pick(p, agents)), " ", "%20") },
		"request": func(p *planter) string {
			return fieldMakers["method"](p) + " " + p.target() + " " + fieldMakers["proto"](p)
		},
		"combined": func(p *planter) string {
			return p.fill(`- - [{{clf}}] "{{request}}" {{status}} {{size}} "{{ref}}" "{{agent}}"`)
		},
	}
}
