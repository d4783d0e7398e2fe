package callers

import (
	"strings"
	"testing"
)

func TestProducts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, header, want string }{
		{"one", "curl/8.5.0", "curl/8.5"},
		{"without a version", "erp-sync", "erp-sync"},
		{"a browser", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36", "Mozilla/5.0 AppleWebKit/537.36 Chrome/126.0"},
		{"a comment with a mailbox", "bot/1.2 (+mailto:jane.doe@example.com)", "bot/1.2"},
		{"comments within comments", `a/1 (b (c\) d) e) f/2`, "a/1 f/2"},
		{"a comment that does not end", "a/1 (jane", "a/1"},
		{"a mailbox", "jane.doe@example.com sync/2.0", "sync/2.0"},
		{"an address", "10.1.2.3 sync/2", "sync/2"},
		{"a number", "customer-4111111111111111/1.0 +4917612345678", ""},
		{"digits in groups", "c123-456-789-012", ""},
		{"a long key", "sync/" + strings.Repeat("a", 100), "sync"},
		{"a version with a name in it", "sync/1.2-jane", "sync/1.2"},
		{"a version that is a number of a person's", "sync/20481234567", "sync"},
		{"an address in words", "client-for-joe.keller.gmail.com/2 sync/2", "sync/2"},
		{"a mailbox in words", "joe_at_keller/1 joe-at-gmail-com/2 joe-keller-com/3 GmailOfJoe/4", ""},
		{"a name with a dot", "joe.keller/1", ""},
		{"a script", "node.js/20.1", "node.js/20.1"},
		{"a key", "sk_live_abcdef/9 ghp_abcdef/1 acme_test_abcdef/1 eyJhbGciOiJ/1 AKIAIOSFODNN/1 token-abc/1 gatehouse_abc/1", ""},
		{"letters and digits", "a1b2c3d/1 deadbeefcafe/1", ""},
		{"products with digits", "OAuth2Client/1 k6/0.49 h2load/1", "OAuth2Client/1 k6/0.49 h2load/1"},
		{"products with much in their names", "Go-http-client/2.0 python-requests/2.31 Apache-HttpClient/4.5", "Go-http-client/2.0 python-requests/2.31 Apache-HttpClient/4.5"},
		{"what begins as a key", "basics/1 keycloak-js/2 tokenizer/3", "basics/1 keycloak-js/2 tokenizer/3"},
		{"what is no token", "\x00\xff \"<script>\" =cmd", ""},
		{"empty", "", ""},
		{"a sentence", "sync contact Jane Doe tool/2.0", "sync tool/2.0"},
		{"too many", "a/1 b/2 c/3 d/4", "a/1 b/2 c/3"},
	} {
		if got := Products(tt.header); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func FuzzProducts(f *testing.F) {
	f.Add("Mozilla/5.0 (X11) Chrome/126.0.0.0")
	f.Add("a (b\\")
	f.Fuzz(func(t *testing.T, header string) {
		got := Products(header)
		if len(got) > maxAgent || strings.ContainsAny(got, "@()=\n\r\t\"") {
			t.Errorf("%q", got)
		}
		if again := Products(got); again != got {
			t.Errorf("%q, and of that %q", got, again)
		}
	})
}

func FuzzParseCounts(f *testing.F) {
	f.Add("d12b3")
	f.Add("B9223372036854775807x")
	f.Fuzz(func(t *testing.T, text string) {
		c := parseCounts(text)
		if again := parseCounts(c.text()); len(again) != len(c) {
			t.Errorf("%v, and of that %v", c, again)
		}
	})
}
