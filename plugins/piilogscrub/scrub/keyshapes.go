package scrub

import "bytes"

//go:generate go run ./keyshapes

// keyShape is the form of the keys of one issuer: what they begin with, if it is the same
// in all, and their parts. The list is keyshapes.csv, with a source and a date for each.
type keyShape struct {
	prefix string
	parts  []keyPart
}

// keyPart is from least to most bytes of an alphabet, and what is written behind them. If
// most is 0, the part goes on as long as its alphabet does.
type keyPart struct {
	of          keyAlphabet
	least, most int
	behind      string
}

// match returns the end of the key at b[from:], which begins with the prefix; 0 if there is
// none.
func (k *keyShape) match(b []byte, from int) int {
	body := from + len(k.prefix)
	end := body
	for i := range k.parts {
		if end = k.parts[i].match(b, end); end == 0 {
			return 0
		}
	}
	last := &k.parts[len(k.parts)-1]
	if last.most > 0 && last.of.has(at(b, end)) || k.isName(b[from:body], b[body:end]) {
		return 0
	}
	return last.of.trail(b, end)
}

// isName reports whether what has the form of a key is the name of a thing, or a digest.
// What begins with a lower-case prefix is so if it is made of words and numbers; few things
// but keys begin with the others.
func (k *keyShape) isName(prefix, body []byte) bool {
	switch of := k.parts[0].of; {
	case len(k.parts) > 1 || of != ofAlnum && of != ofWord && of != ofMixed && of != ofLower && of != ofBase64:
		return false
	case hasCapital(prefix):
		return isWords(body)
	}
	return isSlug(body) || isHexOnly(prefix) && isHexOnly(body)
}

func hasCapital(w []byte) bool {
	for _, c := range w {
		if c >= 'A' && c <= 'Z' {
			return true
		}
	}
	return false
}

// match returns the end of the part at b[i:], what is written behind it included, or 0.
func (p *keyPart) match(b []byte, i int) int {
	end := i
	for end < len(b) && (p.most == 0 || end-i < p.most) && p.of.has(b[end]) {
		end++
	}
	if end-i < p.least || !p.of.fits(b, i, end) || !bytes.HasPrefix(b[end:], []byte(p.behind)) {
		return 0
	}
	return end + len(p.behind)
}

// keyIndex holds the shapes by how they are looked for.
var keyIndex = makeKeyIndex()

type shapeIndex struct {
	words    [1 << 10][]headedShape // by the first two bytes of what of a prefix is in the run that a key begins
	behind   [256][]headedShape     // by the last byte of a prefix that has nothing in that run
	heads    [1 << 9]uint64         // a bit for each three bytes that words begin with: rules most runs out
	near     []keyShape             // of the alphabet ofBehind
	shortest int                    // bytes of the shortest word of those
	within   []innerShape           // without a prefix
}

// headedShape is a shape, and how much of its prefix stands before the run.
type headedShape struct {
	keyShape
	head int
}

// innerShape is a shape that begins with a part of one length, and has something written
// behind that.
type innerShape struct {
	keyShape
	size int // bytes of the first part
	sign byte
}

func makeKeyIndex() *shapeIndex {
	x := shapeIndex{shortest: maxName}
	for _, k := range keyShapes {
		head := len(k.prefix)
		for head > 0 && isRun(k.prefix[head-1]) {
			head--
		}
		one := headedShape{k, head}
		switch {
		case k.parts[0].of == ofBehind:
			x.near = append(x.near, k)
			x.shortest = min(x.shortest, k.parts[0].least)
		case k.prefix == "":
			x.within = append(x.within, innerShape{k, k.parts[0].least, k.parts[0].behind[0]})
		case head == len(k.prefix):
			x.behind[k.prefix[head-1]] = append(x.behind[k.prefix[head-1]], one)
		default:
			x.addHead(k.prefix[head:], one)
		}
	}
	return &x
}

// addHead adds a shape by the first bytes of its word; behind a shorter one may stand any.
func (x *shapeIndex) addHead(word string, one headedShape) {
	for b := range byte(32) {
		if len(word) > 1 && b != word[1]&31 {
			continue
		}
		list := &x.words[tail(0, word[0], b)]
		*list = append(*list, one)
		for c := range byte(32) {
			if head := tail(word[0], b, c); len(word) < 3 || c == word[2]&31 {
				x.heads[head>>6] |= 1 << (head & 63)
			}
		}
	}
}

// begins reports whether a prefix may be at b[i:].
func (x *shapeIndex) begins(b []byte, i int) bool {
	head := tail(b[i], at(b, i+1), at(b, i+2))
	return x.heads[head>>6]&(1<<(head&63)) != 0 || x.behind[at(b, i-1)] != nil
}

// isRun reports whether c may stand in the run of bytes that a key begins: letters, digits,
// '-', '_' and the dots between the parts of one.
func isRun(c byte) bool { return is(c, wordByte) || c == '.' }

// shape looks at the run of bytes the twelfth of which is b[i]: it may begin a key of a known
// form. It reports whether it does.
func (s *scan) shape(i int) bool { return s.shapeFrom(i - (minToken - 1)) }

// shapeOf is shape for the run that the word at b[i:] is a part of, where a number in it has
// been seen before its twelfth byte.
func (s *scan) shapeOf(i int) bool {
	floor := max(s.done, i-maxName)
	for i > floor && isRun(s.b[i-1]) {
		i--
	}
	return s.shapeFrom(i)
}

// shapeFrom looks for a key at the beginning of the run b[start:], bytes that begin none left
// out.
func (s *scan) shapeFrom(start int) bool {
	for start < len(s.b) && isRun(s.b[start]) && !is(s.b[start], alnum) {
		start++
	}
	if at(s.b, start-1) == '\\' && is(s.b[start], letter) {
		start++ // the letter of an escape such as \n
	}
	if start < s.done || start >= len(s.b) {
		return false
	}
	from, end := shapeAt(s.b, start)
	if end == 0 {
		from, end = s.shapeAround(start)
	}
	return end > 0 && s.emitKey(from, end)
}

// emitKey redacts a key, with what goes on behind it.
func (s *scan) emitKey(from, end int) bool {
	end = dottedEnd(s.b, wordEnd(s.b, end))
	return s.spend(end-from) && s.emit(Secret, from, end)
}

// shapeAt returns the bounds of the key that the run at b[start:] begins, by its prefix;
// end is 0 if there is none.
func shapeAt(b []byte, start int) (from, end int) {
	if !keyIndex.begins(b, start) {
		return 0, 0
	}
	if from, end = shapeOfList(keyIndex.words[tail(0, b[start], at(b, start+1))], b, start); end > 0 {
		return from, end
	}
	return shapeOfList(keyIndex.behind[at(b, start-1)], b, start)
}

func shapeOfList(list []headedShape, b []byte, start int) (from, end int) {
	for i := range list {
		k := &list[i]
		from := start - k.head
		if from < 0 || !bytes.HasPrefix(b[from:], []byte(k.prefix)) || k.head > 0 && is(at(b, from-1), wordByte) {
			continue
		}
		if end := k.match(b, from); end > 0 {
			return from, end
		}
	}
	return 0, 0
}

// maxBase64Lead is how far before a run the beginning of a key in base64 is looked for:
// a '+' or '/' ends a run, and twelve bytes without one come sooner.
const maxBase64Lead = 2 * maxName

// shapeAround looks for a key that the run at b[start:] is a part of, though not by its prefix.
func (s *scan) shapeAround(start int) (from, end int) {
	switch before := at(s.b, start-1); before {
	case '/', '+':
		if isLongBase64(s.b, start) {
			if from, end = s.base64Around(start); end > 0 {
				return from, end
			}
		}
		fallthrough
	case '.', '$', '@', '-', '_', ':':
		if from, end = s.wordAround(start); end > 0 {
			return from, end
		}
	}
	if from, end = innerShapeAt(s.b, start); end > 0 {
		return from, end
	}
	if !is(at(s.b, start+minSpecial-1), wordByte) {
		return 0, 0
	}
	return specialKey(s.b, start, wordEnd(s.b, start))
}

// isLongBase64 reports whether b[start] may be within forty bytes of base64, as many as the
// shortest such key has: most paths are shorter, and a UUID has a '-' at these places.
func isLongBase64(b []byte, start int) bool {
	in := func(i int) bool { c := at(b, i); return is(c, alnum) || c == '+' || c == '/' }
	return in(start+13) && in(start+18) || in(start-12) && in(start-20)
}

// base64Around looks for a key that has a '+' or '/' before the run at b[start:].
func (s *scan) base64Around(start int) (from, end int) {
	from = start
	floor := max(s.done, start-maxBase64Lead)
	for from > floor && isBase64(s.b[from-1]) {
		from--
		if c := at(s.b, from-1); c == '/' || c == '+' || !isBase64(c) {
			if from, end := shapeAt(s.b, from); end > start {
				return from, end
			}
		}
	}
	s.spend(start - from)
	if from, end = innerShapeAt(s.b, from); end > start {
		return from, end
	}
	return 0, 0
}

// wordAround looks at the word that b[start] is in: it may be a key because of what stands
// before it.
func (s *scan) wordAround(start int) (from, end int) {
	for from = start; from > s.done && is(s.b[from-1], wordByte); {
		from--
	}
	if end = wordEnd(s.b, start); isBehind(s.b, from, end) {
		return from, end
	}
	return innerShapeAt(s.b, from)
}

// plusKeys looks for the keys in base64 in which no twelve bytes are without a '+' or '/'.
func (s *scan) plusKeys() {
	for i := 0; i < len(s.b); {
		n := bytes.IndexByte(s.b[i:], '+')
		if n < 0 {
			return
		}
		i += n
		end := i
		for end < len(s.b) && isBase64(s.b[end]) {
			end++
		}
		if end-i >= minSecret && s.spend(end-i) {
			if from, to := s.base64Around(i); to > 0 {
				s.emitKey(from, to)
			}
		}
		i = end
	}
}

// innerShapeAt returns the bounds of the key without a prefix at b[from:]; end is 0 if there
// is none.
func innerShapeAt(b []byte, from int) (int, int) {
	if !isBase64(at(b, from+8)) || !isBase64(at(b, from+15)) || !isBase64(at(b, from+31)) {
		return 0, 0 // most runs are shorter than every such key
	}
	for i := range keyIndex.within {
		k := &keyIndex.within[i]
		if at(b, from+k.size) == k.sign {
			if end := k.match(b, from); end > 0 {
				return from, end
			}
		}
	}
	return 0, 0
}

// keyAt returns where the key of a known shape is that the word b[start:end] is, or is the
// secret part of; end is 0 if it is none.
func keyAt(b []byte, start, end int) (int, int) {
	if from, to := shapeAt(b, start); to > 0 {
		return from, dottedEnd(b, wordEnd(b, to))
	}
	if isBehind(b, start, end) {
		return start, dottedEnd(b, end)
	}
	return specialKey(b, start, end)
}

// isBehind reports whether the word b[start:end] is a key because of what stands before it
// in the same URL or key, such as that of a webhook.
func isBehind(b []byte, start, end int) bool {
	switch at(b, start-1) {
	case '/', '.', '$', '@':
	default:
		return false
	}
	if end-start < keyIndex.shortest {
		return false
	}
	before := b[max(0, start-2*maxName):start]
	if bytes.IndexByte(before, '.') < 0 && bytes.IndexByte(before, '$') < 0 {
		return false
	}
	if i := bytes.LastIndexAny(before, " \"'<>"); i >= 0 {
		before = before[i+1:]
	}
	for _, k := range keyIndex.near {
		if end-start >= k.parts[0].least && bytes.Contains(before, []byte(k.prefix)) {
			return true
		}
	}
	return false
}

// dottedEnd returns the end of the parts of a key that follow b[i] behind dots.
func dottedEnd(b []byte, i int) int {
	for at(b, i) == '.' && is(at(b, i+1), wordByte) {
		i = wordEnd(b, i+1)
	}
	return i
}
