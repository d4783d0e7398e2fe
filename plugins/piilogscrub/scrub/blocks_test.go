package scrub

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestClassify compares the bitmaps of random blocks to what each byte is.
func TestClassify(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 1 << 10 {
		var p [blockSize]byte
		most := []uint{0x80, 256}[r.IntN(2)]
		var want block
		isHigh, wantHigh := false, false
		for i := range p {
			p[i] = byte(r.UintN(most))
			c, bit := p[i], uint64(1)<<i
			if isDigit(c) {
				want.digits |= bit
			}
			if is(c, alnum) || c == '_' || c >= 0x80 {
				want.words |= bit
			}
			if c >= 0x80 {
				wantHigh = true
			}
			if c == '-' || c == '.' {
				want.joints |= bit
			}
			if strings.IndexByte(":=@%\\bB`", c) >= 0 {
				want.marks |= bit
			}
		}
		var got block
		got.digits, got.words, got.marks, got.joints, isHigh = classify(&p)
		if got != want || isHigh != wantHigh {
			t.Fatalf("%q: got %x and %v, want %x and %v", p, got, isHigh, want, wantHigh)
		}
	}
}

// TestBlockAt checks that a block holds nothing of what is behind its end, in
// the text or not.
func TestBlockAt(t *testing.T) {
	t.Parallel()
	text := make([]byte, 3*blockSize)
	for i := range text {
		text[i] = '1'
	}
	for end := range len(text) {
		got := 0
		for at := 0; at < end; at += blockSize {
			b, _ := blockAt(text, at, end)
			for ; b.digits != 0; b.digits &= b.digits - 1 {
				got++
			}
		}
		if got != end {
			t.Errorf("%d digits before %d", got, end)
		}
	}
}
