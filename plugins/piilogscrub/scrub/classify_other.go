//go:build !amd64

package scrub

// classify returns the bitmaps of a block; see [block].
func classify(p *[blockSize]byte) (digits, words, marks, high uint64) { return classifyWords(p) }
