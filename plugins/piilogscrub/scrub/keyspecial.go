package scrub

import "bytes"

// minSpecial is how many bytes the shortest of the special keys has, a part of Discord's.
const minSpecial = 23

// specialKey looks at the word b[start:end] as a key whose form is more than a prefix and an
// alphabet, and returns its bounds; end is 0 if it is none.
func specialKey(b []byte, start, end int) (int, int) {
	w := b[start:end]
	switch {
	case isTwilio(w), isMailchimp(w):
		return start, end
	case isTelegram(b, start, w):
		return digitsBefore(b, start-1), end
	case isDiscord(b, start, end):
		return start, dottedEnd(b, end)
	}
	return 0, 0
}

// tildeKeys looks for the client secrets of Microsoft's directory: three bytes, "7Q~" or "8Q~",
// and 31 to 34 more, '~' and '.' among them.
// https://github.com/microsoft/security-utilities, SEC101/156
func (s *scan) tildeKeys() {
	const head, least, most = len("xyz8Q"), 31, 34
	for i := 0; i < len(s.b); i++ {
		n := bytes.IndexByte(s.b[i:], '~')
		if n < 0 {
			return
		}
		i += n
		from, end := i-head, i+1
		if from < 0 || s.b[i-1] != 'Q' || s.b[i-2] != '7' && s.b[i-2] != '8' || isTilde(at(s.b, from-1)) {
			continue
		}
		for end < len(s.b) && isTilde(s.b[end]) && end-i <= most {
			end++
		}
		if s.spend(end-from) && end-i > least && from >= s.done && s.emit(Secret, from, end) {
			i = end - 1
		}
	}
}

func isTilde(c byte) bool { return isRun(c) || c == '~' }

// isTwilio reports whether a word is the identifier of a Twilio key: "SK" and 32
// hexadecimal digits in lower case.
func isTwilio(w []byte) bool { return len(w) == 34 && w[0] == 'S' && w[1] == 'K' && isLowerHex(w[2:]) }

// isMailchimp reports whether a word is a key of Mailchimp: 32 hexadecimal digits and the
// name of a data centre, as in "-us12".
func isMailchimp(w []byte) bool {
	n := len(w) - len("-us1")
	if n > 32 {
		n = 32
	}
	return n == 32 && string(w[n:n+3]) == "-us" && len(w) <= 37 && skipDigits(w, n+3) == len(w) && isLowerHex(w[:n])
}

func isLowerHex(w []byte) bool { return isHexOnly(w) && !bytes.ContainsAny(w, "ABCDEF") }

// isTelegram reports whether a word is the second half of the token of a bot on Telegram:
// the bot's number, a colon, and 35 bytes.
func isTelegram(b []byte, start int, w []byte) bool {
	if len(w) != 35 || at(b, start-1) != ':' {
		return false
	}
	size := start - 1 - digitsBefore(b, start-1)
	return size >= 8 && size <= 10
}

// digitsBefore returns where the digits begin that end before b[i].
func digitsBefore(b []byte, i int) int {
	for i > 0 && isDigit(b[i-1]) {
		i--
	}
	return i
}

// isDiscord reports whether the word b[start:end] is the first part of a token of Discord's:
// a number in base64, and two more parts.
func isDiscord(b []byte, start, end int) bool {
	if end-start < minSpecial || end-start > 28 || b[start] < 'M' || b[start] > 'O' || at(b, end) != '.' {
		return false
	}
	second := wordEnd(b, end+1)
	if second-end != 7 || at(b, second) != '.' || wordEnd(b, second+1)-second < 28 {
		return false
	}
	buf := getBuffer()
	defer buf.release()
	return buf.base64(b[start:end]) && skipDigits(buf.b, 0) == len(buf.b)
}
