// Package protocol is Kong's protocol for plugin servers, ProtoBuf:1, as bytes on a
// socket: frames, and the calls and returns that nearly all frames hold.
//
// A frame is a length, a little-endian uint32, and so many bytes. Kong sends a call. While
// it runs an event, the plugin server may send PDK calls, a frame with the method and one
// with its argument, and gets one frame in reply to each, in order. An empty frame ends
// the event; the frame behind it is what the call returns.
package protocol

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

const (
	// HeadSize is the bytes of the length before each frame.
	HeadSize = 4
	// BufferSize is what a Reader reads ahead at most, in bytes: a call and a dozen
	// replies.
	BufferSize = 4 << 10
)

// ErrTooLarge is a frame that is longer than its reader's limit.
var ErrTooLarge = errors.New("frame too large")

// ReadFrame reads one frame of at most limit bytes, and nothing behind it. The error is
// io.EOF only if the stream ends before the frame.
func ReadFrame(r io.Reader, limit int) ([]byte, error) {
	var head [HeadSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n, err := length(head[:], limit)
	if err != nil {
		return nil, err
	}
	return readBody(r, nil, n)
}

// AppendFrame appends a frame.
func AppendFrame(b, data []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	return append(b, data...)
}

// OpenFrame appends the head of a frame whose bytes are appended next, and CloseFrame
// fills it in. at is where the frame begins.
func OpenFrame(b []byte) (out []byte, at int) {
	return append(b, 0, 0, 0, 0), len(b)
}

// CloseFrame ends the frame that OpenFrame began, with the end of b.
func CloseFrame(b []byte, at int) []byte {
	binary.LittleEndian.PutUint32(b[at:], uint32(len(b)-at-HeadSize))
	return b
}

// Reader reads frames of at most limit bytes through a buffer, whole or in parts.
type Reader struct {
	r     *bufio.Reader
	limit int
}

// NewReader returns a Reader with a buffer of its own.
func NewReader(r io.Reader, limit int) Reader {
	return Reader{bufio.NewReaderSize(r, BufferSize), limit}
}

// Limit is the length of the longest frame, in bytes.
func (f Reader) Limit() int { return f.limit }

// Buffered is how many bytes were read ahead.
func (f Reader) Buffered() int { return f.r.Buffered() }

// Wait waits for the first byte of a frame.
func (f Reader) Wait() error {
	_, err := f.r.Peek(1)
	return err
}

// Head reads the length of the next frame. The error is io.EOF only if the stream ends
// before it. A length beyond the limit is returned with ErrTooLarge.
func (f Reader) Head() (int, error) {
	b, err := f.r.Peek(HeadSize)
	if err != nil {
		if len(b) > 0 {
			err = inside(err)
		}
		return 0, err
	}
	n, tooLarge := length(b, f.limit)
	if _, err := f.r.Discard(HeadSize); err != nil {
		return n, err
	}
	return n, tooLarge
}

// Frame reads a whole frame into buf, which it grows as needed.
func (f Reader) Frame(buf []byte) ([]byte, error) {
	n, err := f.Head()
	if err != nil {
		return buf, err
	}
	return readBody(f.r, buf[:0], n)
}

// Read reads bytes of a frame whose head was read.
func (f Reader) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	return n, inside(err)
}

// ReadFull reads as many bytes of a frame as p has.
func (f Reader) ReadFull(p []byte) error {
	_, err := io.ReadFull(f.r, p)
	return inside(err)
}

// Discard drops bytes of a frame.
func (f Reader) Discard(n int) error {
	_, err := f.r.Discard(n)
	return inside(err)
}

// length is what a head says. It is returned also with ErrTooLarge.
func length(head []byte, limit int) (int, error) {
	n := int(binary.LittleEndian.Uint32(head))
	if n > limit {
		return n, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, n, limit)
	}
	return n, nil
}

// readBody appends n bytes to buf. It takes memory as the bytes arrive: a length alone
// does not make it allocate.
func readBody(r io.Reader, buf []byte, n int) ([]byte, error) {
	for len(buf) < n {
		step := min(n-len(buf), max(cap(buf)-len(buf), len(buf), BufferSize))
		buf = slices.Grow(buf, step)
		end := len(buf) + step
		if _, err := io.ReadFull(r, buf[len(buf):end]); err != nil {
			return buf, fmt.Errorf("read frame of %d bytes: %w", n, inside(err))
		}
		buf = buf[:end]
	}
	return buf, nil
}

// inside names an end inside a frame.
func inside(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
