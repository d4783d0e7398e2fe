package scrub

import "encoding/binary"

// classifyWords is classify eight bytes at a time. The sums set a byte's top bit
// if its low seven bits reach a bound, and never carry into the next.
func classifyWords(p *[blockSize]byte) (digits, words, marks, high uint64) {
	for i := 0; i < blockSize; i += 8 {
		x := binary.LittleEndian.Uint64(p[i:])
		y := x &^ highs
		lower := y | 0x20*lows
		digit := (y + (0x80-'0')*lows) &^ (y + (0x80-':')*lows) &^ x
		letter := (lower + (0x80-'a')*lows) &^ (lower + (0x80-'{')*lows)
		other := (y ^ ':'*lows) + 0x7f*lows // top bit clear where equal
		other &= (y ^ '='*lows) + 0x7f*lows
		other &= (y ^ '@'*lows) + 0x7f*lows
		other &= (y ^ '%'*lows) + 0x7f*lows
		other &= (y ^ '\\'*lows) + 0x7f*lows
		other &= (lower ^ 'b'*lows) + 0x7f*lows
		under := (y ^ '_'*lows) + 0x7f*lows
		digits |= gather(digit) << i
		words |= gather(digit|letter|^under|x) << i
		marks |= gather(^other&^x) << i
		high |= gather(x) << i
	}
	return digits, words, marks, high
}

// gather moves the top bits of eight bytes into the low eight bits.
func gather(x uint64) uint64 { return (x & highs >> 7) * 0x0102040810204080 >> 56 }
