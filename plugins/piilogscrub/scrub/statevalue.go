package scrub

const (
	maxCount   = 3  // digits of the longest count under a secret's name
	maxSerial  = 10 // digits of a number of 32 bits
	maxPinName = 4  // letters before the number of a pin of a chip: "GPIO17"
	maxSignal  = 12 // letters of the longest name of a signal: "SIGVTALRM", and a little
)

// isCount reports whether a value under "pass" or "pin" is a count or the name of a pin of a
// chip: "pass=17", "pin: GPIO17". A number of four digits may let somebody in.
func isCount(v []byte) bool {
	letters := 0
	for letters < len(v) && v[letters] >= 'A' && v[letters] <= 'Z' {
		letters++
	}
	digits := len(v) - letters
	if letters > 0 && digits > 2 || letters > maxPinName || digits > maxCount {
		return false
	}
	return isNumeric(v[letters:])
}

// isSerial reports whether a value under "sessionid" is a number that a firewall or a shell
// counts sessions with: nobody gets in with so short a one.
func isSerial(v []byte) bool { return len(v) <= maxSerial && isNumeric(v) }

// isSignal reports whether a value under "sig" is the name of a signal: "SIGTERM".
func isSignal(v []byte) bool {
	if len(v) > maxSignal || !foldPrefix(v, 0, "sig") {
		return false
	}
	for _, c := range v {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return true
}

// isWindowsID reports whether a value under "sid" is a security identifier of Windows, which
// names an account and lets nobody in: "S-1-5-21-720589838-2993928351-3574677618-8724".
func isWindowsID(v []byte) bool {
	if !foldPrefix(v, 0, "s-1-") {
		return false
	}
	for _, c := range v[len("S-1-"):] {
		if !isDigit(c) && c != '-' {
			return false
		}
	}
	return true
}

// isStateWord reports whether a word behind a secret's name and a colon says what is wrong
// with it, as in "password: required".
func isStateWord(v []byte) bool {
	for _, word := range [...]string{
		"required", "missing", "invalid", "incorrect", "mismatch", "mismatched", "expired", "must", "cannot", "can't", "should", "does", "is", "was",
	} {
		if foldEqual(v, word) {
			return true
		}
	}
	return false
}
