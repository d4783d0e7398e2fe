package scrub

import (
	"fmt"
	"strings"
)

// numberFormats are the formats that consist of numbers in the main, and what begins like keys.
var numberFormats = []logFormat{
	{"Go's garbage collector", []string{
		`gc {{n3}} @{{f3}}s {{n2}}%: {{f3}}+{{f1}}+{{f3}} ms clock, {{f2}}+{{f2}}/{{f1}}/{{f2}}+{{f2}} ms cpu, {{n3}}->{{n3}}->{{n3}} MB, {{n3}} MB goal, {{n2}} MB stacks, {{n2}} MB globals, {{n2}} P`,
	}},
	{"od and hexdump", []string{
		`{{oct7}} {{oct6}} {{oct6}} {{oct6}} {{oct6}} {{oct6}} {{oct6}} {{oct6}} {{oct6}}`, `{{hex8}}  {{hex2}} {{hex2}} {{hex2}} {{hex2}} {{hex2}} {{hex2}} {{hex2}} {{hex2}}  {{hex2}} {{hex2}} {{hex2}} {{hex2}} {{hex2}} {{hex2}} {{hex2}} {{hex2}}  |................|`,
		`{{oct7}} {{hex4}} {{hex4}} {{hex4}} {{hex4}} {{hex4}} {{hex4}} {{hex4}} {{hex4}}`,
	}},
	{"NMEA and coordinates", []string{
		`$GPGGA,{{n6p}}.{{n3p}},{{n4p}}.{{n4p}},N,0{{n4p}}.{{n4p}},E,1,0{{n1}},{{f1}},{{f1}},M,{{f1}},M,,*{{HEX2}}`,
		`position {{lat}}, {{lat}} accuracy {{f1}} m`, `{"type":"Point","coordinates":[{{lat}},{{lat}}],"altitude":{{f3}}}`, `POINT({{lat}} {{lat}})`,
	}},
	{"DB2", []string{`{{day}} {{dotted}} {{pid}} {{pid}} db2 {{n6}}`, `{{day}}-{{dotted}}+060 I{{n6}}E{{n3}} LEVEL: Info`}},
	{"PostgreSQL CSV", []string{
		`{{day}} {{clockms}} UTC,"app","shop",{{pid}},"{{ip4}}:{{port}}",{{hex8}}.{{hex7}},{{n4}},"SELECT",{{day}} {{clock}} UTC,{{n2}}/{{n6}},{{id10}},LOG,00000,"duration: {{f3}} ms",,,,,,,,,"shop","client backend",,{{int19}}`,
		`{{day}} {{clockms}} UTC,"app","shop",{{pid}},"[local]",{{hex8}}.{{hex7}},{{n4}},"idle",{{day}} {{clock}} UTC,{{n2}}/{{n6}},{{id10}},ERROR,42601,"syntax error",,,,,,,,,"psql","client backend",,-{{int19}}`,
	}},
	{"counters in prose", []string{
		`{{n3p}} {{n3p}} {{n4p}} files scanned`, `rows: {{n3p}} {{n3p}} {{n3p}}`, `Total: {{n3p}} {{n3p}} {{n3p}} rows`, `Backup {{id10}} completed: {{n3p}} {{n3p}} {{n3p}} bytes written`,
		`fax queue length {{n4}} oldest {{epoch}}`, `mobile app build {{id9}} released`, `part {{n3p}}-{{n3p}}-{{n4p}} backordered`, `reading at position {{big13}}`,
	}},
	{"sizes and offsets", []string{
		`srcBytes={{big11}} dstBytes={{big11}} srcPort={{port}} srcMAC=3b:44:e2:81:fc:96`, `Rolled new log segment at offset {{big13}} in {{n2}} ms. (kafka.log.Log)`,
		`Sending {{size}} bytes of backlog starting from offset {{big13}}.`, `Memory: {{n8}}K/{{n8p}}K available`, `eth0: RX packets {{big11}}  bytes {{big14}} ({{f1}} GiB)`,
		`[pid {{pid}}:tid {{big15}}] AH00126: caught SIGTERM`, `{"flow_id":{{big15}},"src_port":{{port}},"proto":"TCP"}`, `hdfs://nn:8020/data/part-{{n4p}}:{{id10}}+{{n8}}`,
		`gasUsed={{n8}} gasPrice={{big13}} value={{int18}} wei`, `tx={{int18}} seq={{id10}} epoch={{epochms}}`,
	}},
	{"IIS, agents with '+'", []string{
		`{{day}} {{clock}} W3SVC{{n1}} {{ip4}} GET {{path}} - 443 - {{ip4}} HTTP/1.1 Instagram+{{n3p}}.0.0.{{n2}}.{{n3}}+Android+(33/13;+420dpi;+1080x{{n4}};+samsung;+SM-A607B;+a12x;+exynos{{n6}};+en_GB;+{{id9}}) - {{status}} 0 {{n4}} {{ms}}`,
	}},
	{"names like keys", []string{
		`loaded {{keylike}} in {{ms}} ms`, `GET /static/{{keylike}}.js {{status}}`, `{"module":"{{keylike}}","ok":true}`, `arn:aws:iam::{{account}}:role/ops AROA{{HEX16}} AIDA{{HEX16}}`,
	}},
}

// keyLike are words of which names of things are made.
var keyLike = []string{"cache", "Level2", "product", "render", "v2", "2024", "component", "SK", "locale", "file", "eu", "west", "1a", "stream", "model", "x86"}

// keyLike makes up the name of a thing that begins as the keys of some form do.
func (p *planter) keyLike() string {
	k := pick(p, keyShapes)
	for hasCapital([]byte(k.prefix)) || k.prefix == "" || strings.ContainsAny(k.prefix, "/$~:") {
		k = pick(p, keyShapes)
	}
	parts := make([]string, 4+p.r.IntN(8))
	for i := range parts {
		parts[i] = pick(p, keyLike)
	}
	return k.prefix + strings.Join(parts, pick(p, []string{"-", "_"}))
}

// padded returns a maker of numbers of so many digits.
func padded(n int) func(*planter) string { return func(p *planter) string { return p.digits(n) } }

// natural is padded for numbers that begin with no zero.
func natural(n int) func(*planter) string {
	return func(p *planter) string { return fmt.Sprint(1+p.r.IntN(9)) + p.digits(n-1) }
}

func octal(n int) func(*planter) string {
	return func(p *planter) string { return fmt.Sprintf("%0*o", n, p.r.IntN(1<<(3*n-2))) }
}

func init() {
	for name, maker := range map[string]func(*planter) string{
		"oct6": octal(6), "oct7": octal(7), "n3p": natural(3), "n4p": padded(4), "n6p": padded(6), "n8p": natural(8),
		"int18": natural(18), "int19": natural(19), "big11": natural(11), "big13": natural(13), "big14": natural(14), "big15": natural(15),
		"dotted": layout("15.04.05.000000"), "HEX2": func(p *planter) string { return strings.ToUpper(p.hex(2)) },
		"hex2": func(p *planter) string { return p.hex(2) }, "hex4": func(p *planter) string { return p.hex(4) },
		"keylike": (*planter).keyLike,
	} {
		fieldMakers[name] = maker
	}
}
