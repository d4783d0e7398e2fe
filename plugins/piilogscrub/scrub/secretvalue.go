package scrub

import "bytes"

const (
	minSecretDigits = 6  // digits of the shortest number that is a secret
	minWeak         = 6  // bytes of the shortest secret under a name with other uses
	minWeakMixed    = 8  // the same, of letters and digits
	minLetters      = 13 // letters that are too many for a word
	maxPlainWord    = 16 // letters of the longest plain word
)

// plainWords are values that stand under secrets' names and are none: what a program
// says of one, and the ways and states that share their names.
var plainWords = makePlainWords(
	"true", "false", "null", "none", "nil", "undefined", "unset", "empty", "missing", "yes", "no", "on", "off", "ok", "na",
	"page", "next", "prev", "previous", "first", "last", "new", "old", "current", "default", "auto", "any", "all", "other", "unknown",
	"valid", "invalid", "expired", "revoked", "rejected", "denied", "refused", "accepted", "required", "optional", "present", "absent",
	"enabled", "disabled", "active", "inactive", "pending", "failed", "failure", "success", "error", "warning", "found", "not",
	"created", "updated", "deleted", "removed", "added", "changed", "rotated", "generated", "issued", "loaded", "reloaded", "started",
	"stopped", "closed", "opened", "open", "timeout", "retry", "cached", "hit", "miss", "redacted", "masked", "hidden", "filtered",
	"basic", "bearer", "digest", "negotiate", "ntlm", "kerberos", "oauth", "oauth2", "openid", "oidc", "saml", "ldap", "jwt", "apikey",
	"cookie", "session", "header", "query", "body", "form", "path", "token", "tokens", "secret", "secrets", "password", "key", "keys", "auth", "login",
	"logout", "anonymous", "guest", "user", "username", "admin", "root", "system", "public", "private", "internal", "external",
	"production", "staging", "development", "test", "local", "prod", "dev", "live", "sandbox", "string", "number", "integer",
	"boolean", "object", "array", "name", "value", "id", "uuid", "type", "status", "state", "email", "phone", "date", "time", "title",
	"url", "uri", "host", "port", "method", "code", "message", "level", "size", "count", "total", "limit", "offset", "order", "orders", "sort",
	"region", "country", "city", "language", "locale", "currency", "price", "amount", "version", "service", "client", "server",
	"tenant", "account", "profile", "settings", "config", "items", "users", "data", "result", "response", "request", "refresh",
	"access", "persistent", "transient", "stateless", "stateful", "password_reset", "write", "read", "delete", "update", "create",
	"primary", "secondary", "unique", "foreign", "random", "static", "dynamic", "simple", "strict", "lax", "secure", "insecure",
	"cannot", "could", "unable", "connection", "connect", "connecting", "parse", "parsing", "unexpected", "malformed", "unsupported", "checking",
	"the", "is", "was", "has", "must", "should", "will", "for", "from", "with", "without", "unauthorized", "forbidden", "sha256", "sha1", "md5", "hmac", "rsa",
)

func makePlainWords(list ...string) map[string]bool {
	words := make(map[string]bool, len(list))
	for _, w := range list {
		words[w] = true
	}
	return words
}

func isPlainWord(v []byte) bool {
	var buf [maxPlainWord]byte
	if len(v) > len(buf) {
		return false
	}
	for i, c := range v {
		buf[i] = fold(c)
	}
	return plainWords[string(buf[:len(v)])]
}

// content says what a value is made of.
type content struct {
	letters, digits, upper, others int
	separators                     int // bytes that stand between words
}

func contentOf(v []byte) (c content) {
	for _, b := range v {
		switch {
		case isDigit(b):
			c.digits++
		case isAlpha(b):
			c.letters++
			if b < 'a' {
				c.upper++
			}
		case b == '-' || b == '_' || b == '.' || b == ' ' || b == ':' || b == '/':
			c.separators++
		default:
			c.others++
		}
	}
	return c
}

// isSecretValue reports whether a value under a secret's name may be one: whatever is
// no plain word, no short number, and no place for a value such as "${TOKEN}". Under a
// name with other uses it must not read like a name or a word either.
func isSecretValue(v []byte, r role) bool {
	v = v[:min(len(v), maxRandom)]
	c := contentOf(v)
	switch {
	case c.letters+c.digits < 2 || isPlainWord(v) || isPlaceholder(v):
		return false
	case r&roleWeak != 0 && (isWindowsID(v) || isSignal(v)), r&roleData != 0 && readsLikeData(v), r&roleData != 0 && r&roleAmong != 0 && readsLikeWords(v):
		return false
	case c.digits == len(v):
		return len(v) >= minSecretDigits
	case r&roleWeak == 0:
		return c.letters > 0 || c.digits >= minSecretDigits
	case r&roleWhole != 0:
		return isCode(v, c)
	}
	return isRandom(v) || isWeakSecret(v, c)
}

// isWeakSecret reports whether a value under a name such as "key" may be a secret: letters
// and digits without a separator between them, as names of several words have.
func isWeakSecret(v []byte, c content) bool {
	if c.separators > 0 || len(v) < minWeak {
		return false
	}
	return c.digits == 0 || len(v) >= minWeakMixed
}

// isCode reports whether a value under "code" may be that of a login, and not the
// word or the number of an error, such as "ECONNRESET", "ERR_17" and "0x80070005".
func isCode(v []byte, c content) bool {
	switch {
	case len(v) < minWeak || c.digits == 0 && c.separators > 0 && isWords(v) || foldPrefix(v, 0, "0x") || v[0] == '-' && isNumeric(v[1:]):
		return false
	case c.digits == 0 && c.others == 0 && (c.upper == 0 || c.upper == c.letters):
		return len(v) >= minLetters
	}
	return c.upper == 0 || c.letters != c.upper || c.digits > minSecretDigits || !isDigit(v[len(v)-1]) || skipDigits(v, len(v)-c.digits) != len(v)
}

// isPlaceholder reports whether a value only says where one goes: "${TOKEN}", "<token>",
// "{{ token }}", "%s". What closes it may be behind the value, where that has no quotes.
func isPlaceholder(v []byte) bool {
	if v[0] == '%' && len(v) == 2 {
		return true
	}
	for _, open := range [...]string{"${", "{{", "<"} {
		if name, ok := bytes.CutPrefix(v, []byte(open)); ok {
			c := contentOf(bytes.Trim(name, " }>"))
			return c.letters > 0 && c.digits == 0 && c.others == 0
		}
	}
	return false
}
