package scrub

// maxTwinDigits is how many digits may end the name of a twin, as in "password2".
const maxTwinDigits = 3

// twinWords are what forms and programs put behind a secret's name to name its twin,
// as in "password_confirmation".
var twinWords = []string{
	"confirmation", "confirm", "confirmed", "repeat", "repeated", "again", "retype", "retyped", "verify", "verification",
	"check", "old", "new", "current", "previous", "prev", "plain", "plaintext", "cleartext", "clear", "text", "value", "raw",
	"input", "field", "string", "str", "hash", "hashed", "digest", "encrypted", "encoded", "base64", "default", "temp", "tmp",
	"temporary", "copy", "backup", "primary", "secondary", "one", "two", "wiederholen", "confirmacion",
}

// gluedNames are secrets' names that no other word ends in, so that they count where
// letters stand before them, as in "PGPASSWORD" and "dbpassword".
var gluedNames = []string{
	"password", "passwd", "passphrase", "passwort", "apikey", "secretkey", "privatekey", "accesskey", "clientsecret",
	"accesstoken", "refreshtoken", "authtoken", "sessionid",
}

// addTwins has twins of secrets' names recognized.
func (n *names) addTwins() {
	n.twins, n.glued = make(map[string]bool), gluedNames
	for _, word := range twinWords {
		n.twins[word] = true
		n.addTail(word)
	}
}

// twin returns the role of the secret whose twin a name is: the same name with a number
// or a word behind it. What has other uses as well has no twins.
func (n *names) twin(key []byte, starts []int) role {
	if n.twins == nil || len(starts) == 0 {
		return 0
	}
	whole := len(key)
	for range 2 {
		if trimmed := trimDigits(key); len(trimmed) < len(key) {
			key = trimmed
		} else if last := starts[len(starts)-1]; len(starts) > 1 && n.twins[string(key[last:])] {
			key, starts = key[:last], starts[:len(starts)-1]
		} else {
			key = trimTwin(key)
		}
		for len(starts) > 1 && starts[len(starts)-1] >= len(key) {
			starts = starts[:len(starts)-1] // the last word was a number
		}
		if len(key) == whole || len(key) < 2 {
			return 0
		}
		if r, ok := n.find(key, starts); ok && r&(roleWeak|rolePair|roleNever) == 0 {
			return r
		}
	}
	return 0
}

// trimDigits returns a name without the digits at its end.
func trimDigits(key []byte) []byte {
	end := len(key)
	for end > 0 && len(key)-end < maxTwinDigits && isDigit(key[end-1]) {
		end--
	}
	return key[:end]
}

// trimTwin returns a name without the word of a twin that is glued to it, as in
// "passwordconfirmation".
func trimTwin(key []byte) []byte {
	for _, word := range twinWords {
		if n := len(key) - len(word); n > 0 && string(key[n:]) == word {
			return key[:n]
		}
	}
	return key
}
