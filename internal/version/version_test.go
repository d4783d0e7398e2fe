package version

import "testing"

func TestJoin(t *testing.T) {
	for _, tt := range []struct{ described, revision, want string }{
		{"", "", Number},
		{"", "0cbfefb-dirty", Number + "+0cbfefb-dirty"},
		{"0cbfefb", "1111111", Number + "+0cbfefb"},
		{"v0.0.9-5-g0cbfefb-dirty", "", Number + "+v0.0.9-5-g0cbfefb-dirty"},
		{"v" + Number, "0cbfefb", Number},
	} {
		if got := join(tt.described, tt.revision); got != tt.want {
			t.Errorf("%q and %q: %q, want %q", tt.described, tt.revision, got, tt.want)
		}
	}
}
