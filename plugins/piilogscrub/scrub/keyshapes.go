package scrub

import "bytes"

//go:generate go run ./keyshapes

// keyShape is the form of the keys of one issuer: a prefix, and at least so many bytes of
// an alphabet. The list is keyshapes.csv, with a source and a date for each.
type keyShape struct {
	prefix string
	of     keyAlphabet
	least  int
}

// keyAlphabet says which bytes follow a key's prefix.
type keyAlphabet uint8

const (
	ofHex keyAlphabet = iota
	ofUpper
	ofDashed
	ofAlnum
	ofWord
	ofUUID
	ofBehind // any word behind the prefix, in the same URL or key
)

// has reports whether a key of the alphabet may have the byte.
func (a keyAlphabet) has(c byte) bool {
	switch a {
	case ofHex:
		return isDigit(c) || c >= 'a' && c <= 'f'
	case ofUpper:
		return isDigit(c) || c >= 'A' && c <= 'Z'
	case ofDashed:
		return isDigit(c) || c >= 'A' && c <= 'Z' || c == '-'
	case ofAlnum:
		return is(c, alnum)
	}
	return is(c, wordByte)
}

// keyIndex holds the shapes by the first byte of the word that a key, or the rest of one
// behind the last byte of its prefix that is of no word, begins with.
var keyIndex = makeKeyIndex()

type shapeIndex struct {
	words  [256][]headedShape // by the first byte of a prefix, or of what of it is in the word
	behind [256][]headedShape // by the byte before the word: a prefix without a part in it
	near   []keyShape         // of the alphabet ofBehind
}

// headedShape is a shape, and how much of its prefix stands before the word.
type headedShape struct {
	keyShape
	head int
}

func makeKeyIndex() *shapeIndex {
	var x shapeIndex
	for _, k := range keyShapes {
		head := len(k.prefix)
		for head > 0 && is(k.prefix[head-1], wordByte) {
			head--
		}
		one := headedShape{k, head}
		switch {
		case k.of == ofBehind:
			x.near = append(x.near, k)
		case head == len(k.prefix):
			x.behind[k.prefix[head-1]] = append(x.behind[k.prefix[head-1]], one)
		default:
			x.words[k.prefix[head]] = append(x.words[k.prefix[head]], one)
		}
	}
	return &x
}

// keyAt returns where the key of a known shape is that the word b[start:end] is, or is the
// secret part of; end is 0 if it is none.
func keyAt(b []byte, start, end int) (int, int) {
	before := at(b, start-1)
	if before == '~' {
		if from := azureSecret(b, start, end); from >= 0 {
			return from, tildeEnd(b, end)
		}
	}
	for _, list := range [...][]headedShape{keyIndex.words[b[start]], keyIndex.behind[before]} {
		for i := range list {
			if from := list[i].at(b, start, end); from >= 0 {
				return from, dottedEnd(b, end)
			}
		}
	}
	if isBehind(b, start, end) {
		return start, dottedEnd(b, end)
	}
	return specialKey(b, start, end)
}

// at returns where the key begins that the word b[start:end] is the rest of, or -1.
func (k *headedShape) at(b []byte, start, end int) int {
	from := start - k.head
	if from < 0 || !bytes.HasPrefix(b[from:end], []byte(k.prefix)) || k.head > 0 && is(at(b, from-1), wordByte) {
		return -1
	}
	body := b[from+len(k.prefix) : end]
	if len(body) < k.least || (k.of == ofWord || k.of == ofAlnum) && isWords(body) {
		return -1
	}
	for _, c := range body[:k.least] {
		if !k.of.has(c) {
			return -1
		}
	}
	if k.of == ofUUID && !isUUID(b, from+len(k.prefix)) {
		return -1
	}
	return from
}

// isBehind reports whether the word b[start:end] is a key because of what stands before it
// in the same URL or key, such as that of a webhook.
func isBehind(b []byte, start, end int) bool {
	switch at(b, start-1) {
	case '/', '.', '$', '@':
	default:
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
		if end-start >= k.least && bytes.Contains(before, []byte(k.prefix)) {
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
