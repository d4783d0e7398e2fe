package scrub

// classify returns the bitmaps of a block; see [block]. It is classifyWords in
// SSE2, which every amd64 processor has: sixteen bytes at a time, and the top bits
// of them in one instruction.
//
//go:noescape
func classify(p *[blockSize]byte) (digits, words, marks, high uint64)
