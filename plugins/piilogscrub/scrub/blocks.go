package scrub

import "encoding/binary"

// blockSize is the number of bytes that one bitmap describes.
const blockSize = 64

const (
	lows  = 0x0101010101010101
	highs = 0x8080808080808080
)

// block holds a bit for each of 64 bytes.
type block struct {
	digits uint64 // 0-9
	words  uint64 // digits, and every byte from '@' up: letters, '_', UTF-8
	marks  uint64 // @ % \ b B and the six from ':' to '?'
}

// classify reads the first n of 64 bytes, eight at a time. The sums set a byte's
// top bit if its low seven bits reach a bound, and never carry into the next.
func classify(p *[blockSize]byte, n int) (b block) {
	for i := 0; i < n; i += 8 {
		x := binary.LittleEndian.Uint64(p[i&(blockSize-8):])
		y := x &^ highs
		from0 := y + (0x80-'0')*lows
		past9 := y + (0x80-':')*lows
		fromAt := y + (0x80-'@')*lows
		ascii := highs &^ x
		digits := from0 &^ past9 & ascii
		other := (y ^ '@'*lows) + 0x7f*lows // top bit clear where equal
		other &= (y ^ '%'*lows) + 0x7f*lows
		other &= (y ^ '\\'*lows) + 0x7f*lows
		other &= ((y | 0x20*lows) ^ 'b'*lows) + 0x7f*lows
		b.digits |= gather(digits) << i
		b.words |= gather((fromAt|x)&highs|digits) << i
		b.marks |= gather((past9&^fromAt|^other)&ascii) << i
	}
	return b
}

// gather moves the top bits of eight bytes into the low eight bits.
func gather(x uint64) uint64 { return (x >> 7) * 0x0102040810204080 >> 56 }

// candidates holds a bit for each place of a block where a value could be.
type candidates struct {
	numbers uint64 // a digit that ends 7 bytes of digits with gaps of at most two
	tokens  uint64 // the 12th byte of a run of word bytes
	ibans   uint64 // the second of two digits that follow the first two letters of a word
	marks   uint64
}

func (c candidates) all() uint64 { return c.numbers | c.tokens | c.ibans | c.marks }

// history holds the bitmaps of the block before, at each length of run that
// next doubles up from.
type history struct {
	words, words2, words4, words8, words12 uint64
	digits, dense, dense2, dense4          uint64
}

// next returns the candidates of the block that follows h, and remembers it.
func (h *history) next(b block) candidates {
	n := history{words: b.words, digits: b.digits}
	n.words2 = n.words & after(n.words, h.words, 1)
	n.words4 = n.words2 & after(n.words2, h.words2, 2)
	n.words8 = n.words4 & after(n.words4, h.words4, 4)
	n.words12 = n.words8 & after(n.words4, h.words4, 8)
	n.dense = n.digits | after(n.digits, h.digits, 1) | after(n.digits, h.digits, 2)
	n.dense2 = n.dense & after(n.dense, h.dense, 1)
	n.dense4 = n.dense2 & after(n.dense2, h.dense2, 2)
	letters, before := n.words&^n.digits, h.words&^h.digits
	c := candidates{
		numbers: n.digits & n.dense4 & after(n.dense4, h.dense4, 3),
		tokens:  n.words12 &^ after(n.words12, h.words12, 1),
		ibans: n.digits & after(n.digits, h.digits, 1) & after(letters, before, 2) &
			after(letters, before, 3) &^ after(n.words, h.words, 4),
		marks: b.marks,
	}
	*h = n
	return c
}

// after moves every bit k places on; before is the block that precedes x.
func after(x, before uint64, k int) uint64 { return x<<k | before>>(64-k) }

// keep clears what is behind the first n bytes of the block.
func (b *block) keep(n int) {
	mask := uint64(1)<<n - 1
	b.digits &= mask
	b.words &= mask
	b.marks &= mask
}
