#include "textflag.h"

// BYTES defines sixteen times the same byte.
#define BYTES(name, eight) \
	DATA name<>+0(SB)/8, $eight \
	DATA name<>+8(SB)/8, $eight \
	GLOBL name<>(SB), RODATA|NOPTR, $16

BYTES(zero, 0x3030303030303030)       // '0'
BYTES(nine, 0x0909090909090909)       // '9' - '0'
BYTES(fold, 0x2020202020202020)       // what an upper case letter lacks
BYTES(a, 0x6161616161616161)          // 'a'
BYTES(twentyFive, 0x1919191919191919) // 'z' - 'a'
BYTES(under, 0x5f5f5f5f5f5f5f5f)      // '_'
BYTES(colon, 0x3a3a3a3a3a3a3a3a)      // ':'
BYTES(equals, 0x3d3d3d3d3d3d3d3d)     // '='
BYTES(at, 0x4040404040404040)         // '@'
BYTES(percent, 0x2525252525252525)    // '%'
BYTES(backslash, 0x5c5c5c5c5c5c5c5c)  // '\'
BYTES(b, 0x6262626262626262)          // 'b'

// WITHIN leaves 0xff in out for each byte of in that is no more than most behind
// first: min(in-first, most) == in-first, without a sign.
#define WITHIN(in, first, most, out) \
	MOVO in, X3     \
	PSUBB first, X3 \
	MOVO X3, out    \
	PMINUB most, out \
	PCMPEQB X3, out

// EQUAL adds 0xff to out for each byte of in that equals what.
#define EQUAL(in, what, out) \
	MOVO in, X3      \
	PCMPEQB what, X3 \
	POR X3, out

// GATHER puts the top bits of sixteen bytes into sum, shift places up.
#define GATHER(in, shift, sum) \
	PMOVMSKB in, AX  \
	SHLQ $shift, AX  \
	ORQ AX, sum

// SIXTEEN classifies the bytes behind from: digits to R8,
// words to R9, marks to R10, those beyond ASCII to R11.
#define SIXTEEN(from) \
	MOVOU from(SI), X0        \
	GATHER(X0, from, R11)     \
	WITHIN(X0, X5, X6, X1)    \
	GATHER(X1, from, R8)      \
	MOVO X0, X2               \
	POR X7, X2                \
	WITHIN(X2, X8, X9, X4)    \
	POR X4, X1                \
	EQUAL(X0, X10, X1)        \
	POR X0, X1                \
	GATHER(X1, from, R9)      \
	PCMPEQB X15, X2           \
	EQUAL(X0, X11, X2)        \
	EQUAL(X0, X12, X2)        \
	EQUAL(X0, X13, X2)        \
	EQUAL(X0, X14, X2)        \
	MOVOU at<>(SB), X4        \
	EQUAL(X0, X4, X2)         \
	GATHER(X2, from, R10)

// func classify(p *[64]byte) (digits, words, marks, high uint64)
TEXT ·classify(SB), NOSPLIT, $0-40
	MOVQ p+0(FP), SI
	MOVOU zero<>(SB), X5
	MOVOU nine<>(SB), X6
	MOVOU fold<>(SB), X7
	MOVOU a<>(SB), X8
	MOVOU twentyFive<>(SB), X9
	MOVOU under<>(SB), X10
	MOVOU colon<>(SB), X11
	MOVOU equals<>(SB), X12
	MOVOU percent<>(SB), X13
	MOVOU backslash<>(SB), X14
	MOVOU b<>(SB), X15
	XORQ R8, R8
	XORQ R9, R9
	XORQ R10, R10
	XORQ R11, R11
	SIXTEEN(0)
	SIXTEEN(16)
	SIXTEEN(32)
	SIXTEEN(48)
	MOVQ R8, digits+8(FP)
	MOVQ R9, words+16(FP)
	MOVQ R10, marks+24(FP)
	MOVQ R11, high+32(FP)
	RET
