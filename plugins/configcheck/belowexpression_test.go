package configcheck

import (
	"regexp"
	"strings"
	"testing"
)

func TestLeadsBelow(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]bool{
		`/v2/o`: true, `/v2/o$`: false, `^/v2/o$`: false, `/v2/(o|p)$`: false, `/v2/(o|p)/\d+$`: true, `/v2/o/?$`: false,
		`/v2/o(/ORD-\d+)?$`: true, `/v2/o(-old/.*)?$`: false, `/v\d+/.*`: true, `.*`: true, `(a*)*$`: false, `(?i)/V2/O/x$`: true,
		`/v2/\bo\b/x`: true, `/v2/(?!x)o$`: true, `/v3`: false, ``: true, `(?P<all>.+)$`: true, `/v2/o/^x`: false, `[^/]+/x`: false,
	} {
		if got := leadsBelow(expression, "/v2/o"); got != want {
			t.Errorf("%s: %t, want %t", expression, got, want)
		}
	}
}

// FuzzLeadsBelow: what matches a path below is never said not to.
func FuzzLeadsBelow(f *testing.F) {
	f.Add(`/v2/o(/ORD-\d+)?$`, "/v2/o", "ORD-1")
	f.Add(`(a*)*\b.`, "", "x/y")
	f.Fuzz(func(t *testing.T, expression, path, rest string) {
		compiled, err := regexp.Compile("^(?:" + strings.TrimPrefix(expression, "^") + ")")
		below := strings.TrimSuffix(path, "/") + "/" + rest
		if got := leadsBelow(expression, path); err == nil && rest != "" && compiled.MatchString(below) && !got {
			t.Errorf("%q matches %q, and is said to lead to nothing below %q", expression, below, path)
		}
	})
}
