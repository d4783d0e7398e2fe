package exchange

import (
	"net/url"
	"strconv"
	"strings"
)

// Query is the parsed query, at most limit arguments of it: an argument without
// "=" is true, and one that comes several times is a list (ngx.req.get_uri_args).
func (x *Exchange) Query(limit int) map[string]any {
	out := map[string]any{}
	for part := range strings.SplitSeq(x.Args, "&") {
		key, value, hasValue := strings.Cut(part, "=")
		if key = unescape(key); key == "" {
			continue
		}
		if limit--; limit < 0 {
			break
		}
		if hasValue {
			addTo(out, key, unescape(value))
		} else {
			addTo(out, key, true)
		}
	}
	return out
}

// unescape decodes %XX and +, and leaves what is malformed as it is.
func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b.WriteByte(' ')
		case s[i] == '%' && i+2 < len(s):
			c, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				b.WriteByte('%')
				continue
			}
			b.WriteByte(byte(c))
			i += 2
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// ClearQueryArg removes an argument from the query and writes the rest anew,
// as application/x-www-form-urlencoded.
func (x *Exchange) ClearQueryArg(name string) {
	if x.Args == "" {
		return
	}
	var kept []string
	for part := range strings.SplitSeq(x.Args, "&") {
		key, value, _ := strings.Cut(part, "=")
		if part != "" && unescape(key) != name {
			kept = append(kept, formEscape(unescape(key))+"="+formEscape(unescape(value)))
		}
	}
	x.Args = strings.Join(kept, "&")
}

func formEscape(s string) string {
	return strings.NewReplacer("~", "%7E", "%2A", "*").Replace(url.QueryEscape(s))
}
