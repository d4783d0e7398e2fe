package configreference

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehousehq/gatehouse/internal/schema"
)

func field(t *testing.T, text string) *schema.Field {
	t.Helper()
	var f schema.Field
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		t.Fatal(err)
	}
	return &f
}

func TestRows(t *testing.T) {
	t.Parallel()
	limit := `"elements":{"type":"record","fields":[{"name":{"type":"string","required":true,"description":"Its name."}}]}`
	tests := map[string]struct{ field, want string }{
		"default": {
			`{"n":{"type":"integer","default":20,"between":[1,1000],"description":"How many."}}`,
			"| `n` | integer | `20` | 1 to 1000 | How many. |\n",
		},
		"required choice": {
			`{"mode":{"type":"string","required":true,"one_of":["a","b"],"not_one_of":["c"],"description":"This | that."}}`,
			"| `mode` | string | required | `a`, `b`; not `c` | This \\| that. |\n",
		},
		"a refusal's words, once": {
			`{"at":{"type":"string","match_all":[{"pattern":"x","err":"write a date"}],"match_none":[{"pattern":"y","err":"write a date"}],"len_max":9}}`,
			"| `at` | string |  | a date; up to 9 characters |  |\n",
		},
		"headers that are not for plugins": {
			`{"h":{"type":"string","match_none":[{"pattern":"x","err":"Date is not for a plugin to set"},{"pattern":"y","err":"Via is not for a plugin to set"}]}}`,
			"| `h` | string |  | none of `Date`, `Via` |  |\n",
		},
		"lists and maps": {
			`{"m":{"type":"map","keys":{"type":"string","one_of":["k"]},"values":{"type":"string","len_min":2,"len_max":3}}},
			 {"s":{"type":"set","len_min":1,"elements":{"type":"integer","gt":3}}}`,
			"| `m` | map of strings |  | keys: `k`; values: 2 to 3 characters |  |\n| `s` | set of integers |  | 1 or more entries; each: more than 3 |  |\n",
		},
		"a vault": {
			`{"key":{"type":"string","referenceable":true,"len_min":32}}`,
			"| `key` | string |  | 32 or more characters; or a vault reference |  |\n",
		},
		"records within": {
			`{"redis":{"type":"record","required":true,"fields":[{"url":{"type":"string","default":""}}],"description":"Where."}}`,
			"| `redis` | record |  |  | Where. |\n| `redis.url` | string | `\"\"` |  |  |\n",
		},
		"the same record twice": {
			`{"limits":{"type":"array",` + limit + `,"description":"All."}},{"more":{"type":"array",` + limit + `,"description":"More."}}`,
			"| `limits` | array of records |  |  | All. |\n| `limits[].name` | string | required |  | Its name. |\n| `more` | array of records |  |  | More. Its fields are those of `limits[]`. |\n",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Markdown(field(t, `{"type":"record","fields":[`+tt.field+`]}`))
			if err != nil {
				t.Fatal(err)
			}
			_, rows, _ := strings.Cut(got, "|---|---|---|---|---|\n")
			if diff := cmp.Diff(tt.want, rows); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	conditional := func(rest string) string { return `{"conditional":{"if_field":"a",` + rest + `}}` }
	tests := map[string]string{
		`{"at_least_one_of":["a","b"]}`:    "Write at least one of `r.a`, `r.b`.",
		`{"only_one_of":["a","b"]}`:        "Write exactly one of `r.a`, `r.b`.",
		`{"mutually_exclusive":["a","b"]}`: "Write at most one of `r.a`, `r.b`.",
		conditional(`"if_match":{"eq":"x"},"then_field":"b","then_match":{"required":true}`):                            "Where `r.a` is `x`, `r.b` is required.",
		conditional(`"if_match":{"ne":"x"},"then_field":"b","then_match":{"eq":null}`):                                  "Where `r.a` is not `x`, `r.b` is not allowed.",
		conditional(`"if_match":{"required":true},"then_field":"b","then_match":{"eq":"y"}`):                            "Where `r.a` is given, `r.b` must be `y`.",
		conditional(`"if_match":{"contains":"x"},"then_field":"b","then_match":{"ne":"y"}`):                             "Where `r.a` has `x`, `r.b` must not be `y`.",
		conditional(`"if_match":{"len_min":1,"required":true},"then_field":"b","then_match":{"contains":1}`):            "Where `r.a` is given, `r.b` must have `1`.",
		`{"conditional_at_least_one_of":{"if_field":"a","if_match":{"contains":"x"},"then_at_least_one_of":["b","c"]}}`: "Where `r.a` has `x`, write at least one of `r.b`, `r.c`.",
	}
	for check, want := range tests {
		got, err := Markdown(field(t, `{"type":"record","fields":[{"r":{"type":"record","fields":[],"entity_checks":[`+check+`]}}]}`))
		if err != nil || !strings.HasSuffix(got, "\n- "+want+"\n") {
			t.Errorf("%s: %v\n%s\nwant %s", check, err, got, want)
		}
	}
}

// TestUnknownRule: a rule that nobody has words for is no rule that is left out.
func TestUnknownRule(t *testing.T) {
	t.Parallel()
	for _, check := range []string{
		`{"all_or_nothing":["a"]}`, `{"at_least_one_of":"a"}`, `{}`,
		`{"conditional":{"if_field":"a","if_match":{"gt":1},"then_field":"b","then_match":{"required":true}}}`,
		`{"conditional":{"if_field":"a","if_match":{"eq":1},"then_field":"b","then_match":{"required":true},"else_match":{"eq":1}}}`,
	} {
		if got, err := Markdown(field(t, `{"type":"record","fields":[],"entity_checks":[`+check+`]}`)); err == nil {
			t.Errorf("%s: %s", check, got)
		}
	}
}

func TestInto(t *testing.T) {
	t.Parallel()
	page := "# A\n\n" + begin + "old\n" + end + "\n\nrest\n"
	got, err := Into(page, "new\n")
	if want := "# A\n\n" + begin + "new\n" + end + "\n\nrest\n"; err != nil || got != want {
		t.Errorf("%v, %q, want %q", err, got, want)
	}
	if again, err := Into(got, "new\n"); err != nil || again != got {
		t.Errorf("twice: %v, %q", err, again)
	}
	for _, without := range []string{"# A\n", "# A\n\n" + begin, end} {
		if got, err := Into(without, "new"); err == nil {
			t.Errorf("%q: %q", without, got)
		}
	}
}
