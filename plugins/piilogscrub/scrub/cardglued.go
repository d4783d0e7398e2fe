package scrub

// maxCardGap is how many bytes separate two groups of a card number, as in
// "4111 - 1111".
const maxCardGap = 3

// looseStart returns the first of the groups of digits before b[i], with whatever
// between them, in which a card number that goes on at b[i] could begin.
func (s *scan) looseStart(i int) int {
	floor := max(s.done, i-maxDigits)
	start := i
	for {
		stop := start
		for stop > floor && start-stop < maxCardGap && isCardGap(s.b[stop-1]) {
			stop--
		}
		first := stop
		for first > floor && isDigit(s.b[first-1]) {
			first--
		}
		if first == stop || stop == start {
			return start
		}
		start = first
	}
}

// looseCard looks for a card number at b[start:] in groups with whatever between
// them: four digits first, as on the card, and of a network that needs no context.
func (s *scan) looseCard(start int) bool {
	if skipDigits(s.b, start) != start+4 || !boundary(s.b, start) {
		return false
	}
	var digits [19]byte
	size, end := 0, 0
	fours, six := true, false // the groups so far are all of four digits; four, and six
	for i := start; ; {
		stop := skipDigits(s.b, i)
		if stop-i < 2 || stop-i > 6 || size+stop-i > len(digits) || !fours && (!six || stop-i < 4 || stop-i > 5) {
			break
		}
		fours, six = fours && stop-i == 4, size == 4 && stop-i == 6
		size += copy(digits[size:], s.b[i:stop])
		if size >= 13 && size <= 16 && luhn(digits[:size]) && isSureCard(digits[:size]) {
			end = stop
		}
		i = stop
		for i < len(s.b) && i-stop < maxCardGap && isCardGap(s.b[i]) {
			i++
		}
		if i == stop {
			break
		}
	}
	return end > 0 && !is(at(s.b, end), alnum) && !isFraction(s.b, start, end) && s.emit(Card, start, end)
}

func isCardGap(c byte) bool {
	return is(c, blank) || c == '-' || c == '.' || c == '_' || c == '/' || c == ',' || c == '+' || c == '|'
}

// gluedCard looks for a card number in the word b[start:end], with letters before
// or behind it at once, as in "PAN4111111111111111".
func (s *scan) gluedCard(start, end int) bool {
	for i := start; i < end; i++ {
		if !isDigit(s.b[i]) {
			continue
		}
		stop := skipDigits(s.b[:end], i)
		if size := stop - i; size >= 13 && size <= 16 && luhn(s.b[i:stop]) && isSureCard(s.b[i:stop]) && !s.inDigest(i, stop) {
			return s.emit(Card, i, stop)
		}
		if from := cardBehindField(s.b, i, stop); from > 0 && i > start && isAlphaOnly(s.b[start:i]) {
			return s.emit(Card, from, stop)
		}
		i = stop
	}
	return false
}

// inDigest reports whether the letters and digits around b[start:end] are
// hexadecimal only or a ULID, as long as they are not "%B", which begins track 1
// of a magnetic stripe.
func (s *scan) inDigest(start, end int) bool {
	floor, ceiling := max(0, start-maxName), min(len(s.b), end+maxName)
	for start > floor && is(s.b[start-1], alnum) {
		start--
	}
	for end < ceiling && is(s.b[end], alnum) {
		end++
	}
	s.spend(end - start)
	return at(s.b, start-1) != '%' && (isHexOnly(s.b[start:end]) || isULID(s.b[start:end]))
}
