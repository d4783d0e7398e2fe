package scrub

import "encoding/binary"

// blockSize is the number of bytes that one bitmap describes.
const blockSize = 64

// A byte's lowest and highest bit, eight times.
const (
	lows  = 0x0101010101010101
	highs = 0x8080808080808080
)

// block holds a bit for each of 64 bytes, the first in the lowest. Four bitmaps are as many as
// Go keeps in registers.
type block struct {
	digits uint64 // 0-9
	words  uint64 // digits, letters, '_', and every byte of UTF-8 beyond ASCII
	marks  uint64 // : = @ % \ b B and `, which costs less than to leave it out
	joints uint64 // - and .
}

// blockAt classifies the bytes at text[at:end], the first 64 if there are more, and reports
// whether one is beyond ASCII. What is behind end in the text may be read, and is left out.
func blockAt(text []byte, at, end int) (b block, isHigh bool) {
	if len(text)-at >= blockSize {
		b.digits, b.words, b.marks, b.joints, isHigh = classify((*[blockSize]byte)(text[at:]))
	} else {
		var tail [blockSize]byte
		copy(tail[:], text[at:end])
		b.digits, b.words, b.marks, b.joints, isHigh = classify(&tail)
	}
	if n := end - at; n < blockSize {
		mask := uint64(1)<<n - 1
		return block{b.digits & mask, b.words & mask, b.marks & mask, b.joints & mask}, isHigh && hasHigh(text[at:end])
	}
	return b, isHigh
}

// hasHigh reports whether a byte is beyond ASCII.
func hasHigh(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return true
		}
	}
	return false
}

// classify returns the bitmaps of a block, and whether a byte is beyond ASCII. It works on eight bytes at a time,
// in one 64-bit word. Adding 0x80-'0' to each byte sets its top bit if the low seven
// bits are at least '0'. Each such sum is below 256, so that no byte carries into the
// next one.
func classify(p *[blockSize]byte) (digits, words, marks, joints uint64, isHigh bool) {
	var all uint64
	for i := 0; i < blockSize; i += 8 {
		x := binary.LittleEndian.Uint64(p[i:])
		y := x &^ highs
		lower := y | 0x20*lows
		digit := (y + (0x80-'0')*lows) &^ (y + (0x80-':')*lows) &^ x
		letter := (lower + (0x80-'a')*lows) &^ (lower + (0x80-'{')*lows)
		other := (y ^ ':'*lows) + 0x7f*lows // top bit clear where equal
		other &= (y ^ '='*lows) + 0x7f*lows
		other &= (y ^ '%'*lows) + 0x7f*lows
		other &= (y ^ '\\'*lows) + 0x7f*lows
		other &= (y&^(0x22*lows) ^ '@'*lows) + 0x7f*lows // @ ` b B
		under := (y ^ '_'*lows) + 0x7f*lows
		joint := (y + (0x80-'-')*lows) &^ (y + (0x80-'/')*lows) &^ x
		digits |= gather(digit) << i
		words |= gather(digit|letter|^under|x) << i
		marks |= gather(^other&^x) << i
		joints |= gather(joint) << i
		all |= x
	}
	return digits, words, marks, joints, all&highs != 0
}

// gather moves the top bit of each of eight bytes into the low eight bits.
func gather(x uint64) uint64 { return (x & highs >> 7) * 0x0102040810204080 >> 56 }

// candidates holds a bit for each place of a block where a value could be.
type candidates struct {
	all     uint64 // the union of the others
	numbers uint64 // a digit that ends 7 bytes of digits with gaps of at most three
	tokens  uint64 // the 12th byte of a run of word bytes
	shapes  uint64 // the 12th byte of a run of word bytes, '-' and '.'
	ibans   uint64 // the second of two digits that follow the first two letters of a word
	marks   uint64 // every mark, but 'b' where a word begins only
}

// history holds the bitmaps of the block before, since runs of bytes go on from one block
// into the next. In wordsN a bit says that the byte ends a run of N word bytes at least; in
// denseN likewise of N bytes that are dense in digits.
type history struct {
	words, words2, words4, words12 uint64
	runs, runs2, runs4, runs12     uint64 // likewise, with '-' and '.'
	digits, dense, dense2, dense4  uint64
}

// next puts the candidates of the block that follows h into c, and remembers
// the block.
//
// A run is found by doubling: a byte ends a run of four if it ends one of two, and so does
// the byte two before it. A byte is dense if it is a digit or is up to three bytes behind
// one, so that "4111 1111" is one run, its separator included.
func (h *history) next(b block, c *candidates) {
	words2 := b.words & after(b.words, h.words, 1)
	words4 := words2 & after(words2, h.words2, 2)
	words12 := words4 & after(words4, h.words4, 4) & after(words4, h.words4, 8)
	c.tokens = words12 &^ after(words12, h.words12, 1) // the 12th byte only, not those behind it
	h.words4, h.words12 = words4, words12

	runs := b.words | b.joints
	runs2 := runs & after(runs, h.runs, 1)
	runs4 := runs2 & after(runs2, h.runs2, 2)
	runs12 := runs4 & after(runs4, h.runs4, 4) & after(runs4, h.runs4, 8)
	c.shapes = runs12 &^ after(runs12, h.runs12, 1)
	h.runs, h.runs2, h.runs4, h.runs12 = runs, runs2, runs4, runs12

	digits := b.digits
	dense := digits | after(digits, h.digits, 1) | after(digits, h.digits, 2) | after(digits, h.digits, 3)
	dense2 := dense & after(dense, h.dense, 1)
	dense4 := dense2 & after(dense2, h.dense2, 2)
	c.numbers = digits & dense4 & after(dense4, h.dense4, 3)
	letters, before := b.words&^digits, h.words&^h.digits
	c.ibans = digits & after(digits, h.digits, 1) & after(letters, before, 2) &
		after(letters, before, 3) &^ after(b.words, h.words, 4)
	c.marks = b.marks &^ words2 // a 'b' within a word begins no "Bearer"
	h.words, h.words2, h.digits, h.dense, h.dense2, h.dense4 = b.words, words2, digits, dense, dense2, dense4
	c.all = c.numbers | c.tokens | c.shapes | c.ibans | c.marks
}

// after moves every bit k places on; before is the block that precedes x.
func after(x, before uint64, k int) uint64 { return x<<k | before>>(64-k) }

// between returns a mask of the bits from start on and before end, either of
// which may be outside of the block.
func between(start, end int) uint64 {
	if start >= blockSize || end <= 0 {
		return 0
	}
	return ^uint64(0) << max(start, 0) & (^uint64(0) >> (blockSize - min(end, blockSize)))
}
