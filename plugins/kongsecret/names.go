package kongsecret

import (
	"regexp"
	"slices"
	"strings"
)

var (
	word = regexp.MustCompile(`[A-Z]?[a-z0-9]+|[A-Z]+`)
	// secretWord is in the names of secrets.
	secretWord = regexp.MustCompile(`^(apikeys?|auth|authorization|bearer|credentials?|keys?|passphrases?|passwd|passwords?|pwd|secrets?|secretkeys?|tokens?)$`)
	// otherWords end the names of what is said about a secret.
	otherWords = []string{"algorithm", "claim", "claims", "expiration", "format", "header", "id", "length", "limit", "location", "method", "name", "names",
		"path", "prefix", "size", "source", "strategy", "ttl", "type"}
	// otherNames are fields that hold secrets and are called otherwise.
	otherNames = regexp.MustCompile(`(?i)^(client_?id|headers?|header_value|param_value|eab_kid|username|(http|traces|logs)?_?endpoint|.*(key_id|_account_json))$`)
)

// secretName reports whether a field is called like a secret, in the plugins that come
// with Kong 3.9 and in others.
func secretName(name string) bool {
	return otherNames.MatchString(name) || plainName(name)
}

// yesOrNo is what YAML writes truth in: credentials: yes says that there are some.
var yesOrNo = regexp.MustCompile(`(?i)^(yes|no|on|off|true|false|null|~|)$`)

// Certain reports whether a value that may be a secret is one, by its text or the name of its
// field. Of an endpoint or a header it is not certain: to hide one too many costs nothing.
func Certain(field, value string) bool {
	return unmistakableText(value) || plainName(field) && !yesOrNo.MatchString(value)
}

// plainName reports whether a field is called a secret.
func plainName(name string) bool {
	words := word.FindAllString(name, -1)
	for i := range words {
		words[i] = strings.ToLower(words[i])
	}
	if len(words) == 0 || slices.Contains(words, "public") || words[0] == "max" || slices.Contains(otherWords, words[len(words)-1]) {
		return false
	}
	return slices.ContainsFunc(words, secretWord.MatchString)
}

var (
	privateKey = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----`)
	password   = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9+.-]*://[^/@\s]*:[^/@\s]+@`)
	// scheme begins the value of an Authorization header (RFC 9110, 11.6.2).
	scheme = regexp.MustCompile(`(?i)^(basic|bearer) +\S`)
	// pair is a name with a value.
	pair = regexp.MustCompile(`^([A-Za-z0-9_.-]{1,64})\s*[:=]\s*\S`)
)

// unmistakableText reports whether a text is a secret wherever it stands: a private key, a
// URL with a password in it, what lets in by a header, and what says that it is one.
func unmistakableText(text string) bool {
	if privateKey.MatchString(text) || password.MatchString(text) || scheme.MatchString(text) {
		return true
	}
	named := pair.FindStringSubmatch(text)
	return named != nil && secretName(named[1])
}
