package etag_test

import (
	"strings"
	"testing"

	"github.com/gatehousehq/gatehouse/bff/etag"
)

func TestOf(t *testing.T) {
	t.Parallel()
	a, b := etag.Of([]byte("a")), etag.Of([]byte("b"))
	if a == b || a != etag.Of([]byte("a")) {
		t.Errorf("tags of a and b are %s and %s: want them to differ, and to stay", a, b)
	}
	if !strings.HasPrefix(a, `W/"`) || !strings.HasSuffix(a, `"`) {
		t.Errorf("tag %s is not a weak entity tag", a)
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	const tag = `W/"abc"`
	for name, tc := range map[string]struct {
		header string
		want   bool
	}{
		"none":                   {``, false},
		"the same":               {`W/"abc"`, true},
		"weak equals strong":     {`"abc"`, true},
		"another":                {`"abd"`, false},
		"any":                    {`*`, true},
		"in a list":              {`"x", W/"abc" ,"y"`, true},
		"not in a list":          {`"x", "y"`, false},
		"comma within a tag":     {`"x,y", "abc"`, true},
		"without quotes":         {`abc`, false},
		"not closed":             {`"abc`, false},
		"a part of it":           {`"ab"`, false},
		"after something broken": {`x, "abc"`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := etag.Matches(tc.header, tag); got != tc.want {
				t.Errorf("Matches(%q, %q) = %v", tc.header, tag, got)
			}
		})
	}
}

func FuzzMatches(f *testing.F) {
	for _, seed := range []string{``, `*`, `W/"a"`, `"a", "b"`, `"a`, `,,,`, `W/W/"a"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		tag := etag.Of([]byte(header))
		etag.Matches(header, tag) // ends, whatever the header
		if list := `"x", ` + tag; !etag.Matches(list, tag) {
			t.Errorf("Matches(%q, %q) = false", list, tag)
		}
	})
}
