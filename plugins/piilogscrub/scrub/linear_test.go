package scrub

import (
	"strings"
	"testing"
)

// adversarial are pieces of text that, repeated, make a careless scanner look
// at the same bytes again and again.
var adversarial = map[string]string{
	"at signs":             "@",
	"addresses":            "a@b.c",
	"almost addresses":     "aaaaaaaaaaaaaaaa@",
	"dots":                 "a.b@c.",
	"digits":               "1",
	"numbers":              "1 2 3 4 5 6 7 ",
	"long numbers":         "4111 1111 1111 1112 ",
	"number and word":      "phone 1234567 ",
	"plus signs":           "+1",
	"colons":               "1:",
	"double colons":        "a::",
	"percent signs":        "%",
	"escapes":              "%25",
	"nested escapes":       "%2525252541",
	"backslashes":          `\`,
	"unicode escapes":      `\u005c`,
	"assignments":          "token=",
	"quoted assignments":   `"token":"`,
	"mixed quotes":         `token='a token="b `,
	"fields":               "password=",
	"brackets":             `"address":{`,
	"token heads":          "eyJ.",
	"words":                "aaaaaaaaaaaaaaaaB/",
	"base64":               "YWFhYWFhYWFhYWFhYWFhYWFh ",
	"one word":             "aB3",
	"prefixes of keys":     "gatehouse_",
	"almost keys":          "gatehouse_PlantedForTheTests00000000000000000000000001QjvcM",
	"bearers":              "bearer ",
	"schemes":              "https://a:b",
	"parentheses":          "((1)",
	"hyphens":              "1-",
	"letters and digits":   "ab12",
	"account numbers":      "DE89 3704 ",
	"pem":                  "KEY-----aaaaaaaaaaaaaaaaaaaa",
	"json":                 `{"a":`,
	"UTF-8":                "é@é.",
	"continuation bytes":   "\x80",
	"cards without checks": "4111111111111112",
	"cards in a digest":    "4111111111111111a",
	"cards in groups":      "4111 - 1111 - 1111 - 1112 ",
	"groups of four":       "4111_",
	"other scripts":        "４１１１ ",
	"percent and digits":   "%B41111",
	"accounts glued":       "IBANDE89",
	"keys in parts":        "xoxb-123456789012-",
	"numbers by threes":    "512 345 678 ",
	"fields of numbers":    "0.5 200 45 4821 ",
	"words and slashes":    "phone/fax 1234567 ",
	"list of values":       "password=a;b;",
	"queries in values":    "password=a?b",
	"older encodings":      "%E9",
	"lists of timers":      "0/0/69/12/81 ",
	"network addresses":    "address: a.b:",
	"elements":             "<password>",
	"tags":                 "<a b='c' ",
	"options":              " -p -u",
	"commands":             "curl -u ",
	"long options":         "--password ",
	"quotes":               "by '",
	"clauses":              "identified by ",
	"lists":                `["token","`,
	"pairs":                `"name":"token","value":`,
	"directives":           `"AUTH" requirepass `,
	"calls":                `setPassword("`,
	"serialized":           `s:8:"password";s:8:"`,
	"inserts":              `insert into a (password) values ('`,
	"tuples":               `(password) values ('a'),('b'),`,
	"parts":                "form-data; name=\"password\"\r\n\r\n",
	"attributes":           `<a value="x" key="password" `,
	"atoms":                `{:password, "`,
	"prompts":              `password [None]: `,
	"objects in text":      ` x {"pin":"1"}`,
	"broken objects":       ` {"a":1 `,
	"objects and names":    ` {"pin":{"a":"b@c.de"}} a@b.de`,
	"objects":              `{"value":"x","name":"token"},`,
	"entities":             "&#64;",
	"ampersands":           "&",
	"data sources":         "app:x@/",
	"hosts":                "a:b@c:1234/",
	"PEM heads":            "-----BEGIN PRIVATE KEY-----",
	"guarded cookies":      "__Host-a=",
	"names and blanks":     "password   ",
	"links":                "/reset/",
	"quoted-printable":     "a=40b.c",
	"dashes with blanks":   "12 - 34 - 56 - ",
	"padded numbers":       "0000004111111111111112 ",
	"JSON in strings":      `{"a":"{\\"pin\\":1,`,
	"escaped lists":        `\"password\":[\"x`,
	"prefixed strings":     `password=b"x `,
	"open calls":           "password=a(b ",
	"calls in calls":       `password=a('b(`,
	"doubled quotes":       `password='a''b`,
	"tripled quotes":       `password="""a `,
	"changes":              `password="a" -> "b`,
	"braces":               "pwd={a}}",
	"data source lists":    ";Password=a b",
	"cookies":              "cookie=a=b; ",
	"schemes behind signs": "authorization=bearer a ",
	"two at signs":         "://u:p@s/w@",
	"encoded at signs":     "://u%40x:a/",
	"slashes":              "://a:b/c?d",
	"key words":            "-----BEGIN PRIVATE KEY ",
	"key lines":            "Private-Lines: 1 ",
	"arguments":            `["mysql","-p","x"],`,
	"runs":                 "glpat-a.",
	"long runs":            "abcdefghijkl-",
	"base64 with plus":     "abcdefgh+/",
	"paths":                "/abcdefghijkl",
	"tildes":               "xyz8Q~",
	"columns":              "017451 ",
	"items with plus":      ";+a",
	"numbers and units":    "697 328 1834 files ",
	"digits apart":         "4 ",
	"octal signs":          "a\\100b.c",
	"spaced signs":         "a.b @ ",
	"other languages":      "тел. 9123456789 ",
	"webhooks":             "hooks.slack.com/services/abcdefabcdef",
}

// TestCostIsLinear counts the bytes that detectors look at: twice the text may
// cost no more than twice as much, and a little.
func TestCostIsLinear(t *testing.T) {
	t.Parallel()
	e := newEngine(t, Policy{})
	size := 8 << 10
	if testing.Short() {
		size = 2 << 10
	}
	cost := func(text string, f Format) (int, bool) {
		var s scan
		s.init(e, []byte(text))
		s.read(f)
		return s.work, s.blocked
	}
	for name, piece := range adversarial {
		for f := FormatText; f <= FormatRequest; f++ {
			t.Run(name+"/"+f.String(), func(t *testing.T) {
				t.Parallel()
				one, _ := cost(strings.Repeat(piece, size/len(piece)), f)
				two, blocked := cost(strings.Repeat(piece, 2*size/len(piece)), f)
				if two > 2*one+one/4+1024 {
					t.Errorf("cost of the text %d, of twice the text %d", one, two)
				}
				if blocked && name != "json" && name != "nested escapes" {
					t.Errorf("was dropped after %d bytes", two)
				}
				t.Logf("%.1f looks at a byte", float64(two)/float64(2*size))
			})
		}
	}
}

// TestCleanAllocatesNothing checks that reading a text without findings does not
// allocate.
func TestCleanAllocatesNothing(t *testing.T) {
	e := newEngine(t, Policy{})
	dst := make([]byte, 0, 1<<10)
	for _, f := range []Format{FormatAccess, FormatText, FormatURL, FormatQuery} {
		for _, line := range bytesOf(cleanLines) {
			n := testing.AllocsPerRun(100, func() { dst, _ = e.Scrub(dst[:0], line, f) })
			if n > 0 {
				t.Errorf("%v allocations as %s for %s", n, f, line)
			}
		}
	}
}
