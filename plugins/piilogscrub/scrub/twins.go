package scrub

// maxTwinDigits is how many digits may end the name of a twin, as in "password2".
const maxTwinDigits = 3

// twinWords are what forms and programs put behind a secret's name to name its twin,
// as in "password_confirmation".
var twinWords = []string{
	"confirmation", "confirm", "confirmed", "repeat", "repeated", "again", "retype", "retyped", "verify", "verification",
	"check", "old", "new", "current", "previous", "prev", "plain", "plaintext", "cleartext", "clear", "text", "value", "raw",
	"input", "field", "string", "str", "hash", "hashed", "digest", "encrypted", "encoded", "base64", "default", "temp", "tmp",
	"temporary", "copy", "backup", "primary", "secondary", "one", "two", "wiederholen", "confirmacion", //nolint:misspell // Spanish
}

// gluedNames are secrets' names that no other word ends in, so that they count where
// letters stand before them, as in "PGPASSWORD" and "dbpassword".
var gluedNames = []string{
	"password", "passwd", "passphrase", "passwort", "apikey", "secretkey", "privatekey", "accesskey", "clientsecret",
	"accesstoken", "refreshtoken", "authtoken", "sessionid",
}

const minGlued = 6 // bytes of the shortest of gluedNames

// addTwins has twins of secrets' names recognized.
func (n *names) addTwins() {
	n.twins, n.glued = make(map[string]bool), gluedNames
	for _, word := range twinWords {
		n.twins[word] = true
		n.addTail(word)
		for _, name := range gluedNames {
			n.roles[name+word] |= n.roles[name] // "passwordconfirmation"
		}
	}
}

// twin returns the role of the secret whose twin a name is: the same name with a word, a
// number or both behind it. What has other uses as well has no twins.
func (n *names) twin(key []byte, starts []int) role {
	for range 2 {
		if len(starts) == 0 || len(key) < minTwin {
			return 0
		}
		last := starts[len(starts)-1]
		switch {
		case isDigit(key[len(key)-1]):
			key = trimDigits(key)
		case last > 0 && n.twins[string(key[last:])]:
			key = key[:last]
		default:
			return 0
		}
		for len(starts) > 0 && starts[len(starts)-1] >= len(key) {
			starts = starts[:len(starts)-1]
		}
		if r, ok := n.find(key, starts); ok && r&(roleWeak|rolePair|roleNever) == 0 {
			return r
		}
	}
	return 0
}

const minTwin = 3 // bytes of the shortest name of a twin: "pw2"

// trimDigits returns a name without the digits at its end.
func trimDigits(key []byte) []byte {
	end := len(key)
	for end > 0 && len(key)-end < maxTwinDigits && isDigit(key[end-1]) {
		end--
	}
	return key[:end]
}
