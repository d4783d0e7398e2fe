package pluginserver

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

const (
	// frameHead is the length before each frame: a little-endian uint32.
	frameHead = 4
	// readBuffer is per connection: a call and a dozen replies fit.
	readBuffer = 4 << 10
	// keepBuffer is the largest buffer that a connection keeps for its next event.
	keepBuffer = 64 << 10
)

// errFrameTooLarge is a frame beyond Options.MaxFrame.
var errFrameTooLarge = errors.New("frame too large")

// frameReader reads frames of at most max bytes.
type frameReader struct {
	r   *bufio.Reader
	max int
}

func newFrameReader(r io.Reader, limit int) frameReader {
	return frameReader{r: bufio.NewReaderSize(r, readBuffer), max: limit}
}

// wait waits for the first byte of a frame.
func (f frameReader) wait() error {
	_, err := f.r.Peek(1)
	return err
}

// head reads the length of the next frame. The error is io.EOF only if the
// stream ends before it. A length beyond the limit is returned with the error.
func (f frameReader) head() (int, error) {
	b, err := f.r.Peek(frameHead)
	if err != nil {
		if errors.Is(err, io.EOF) && len(b) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return 0, err
	}
	n := int(binary.LittleEndian.Uint32(b))
	if _, err = f.r.Discard(frameHead); err == nil && n > f.max {
		err = fmt.Errorf("%w: %d bytes, the limit is %d", errFrameTooLarge, n, f.max)
	}
	return n, err
}

// frame reads a whole frame into buf, which it grows as the bytes arrive: a
// length alone does not make it allocate.
func (f frameReader) frame(buf []byte) ([]byte, error) {
	n, err := f.head()
	if err != nil {
		return buf, err
	}
	buf = buf[:0]
	for len(buf) < n {
		step := min(n-len(buf), max(cap(buf)-len(buf), len(buf), readBuffer))
		buf = slices.Grow(buf, step)
		end := len(buf) + step
		if _, err := io.ReadFull(f.r, buf[len(buf):end]); err != nil {
			return buf, fmt.Errorf("read frame of %d bytes: %w", n, unexpected(err))
		}
		buf = buf[:end]
	}
	return buf, nil
}

// unexpected names an end inside a frame.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// appendFrame appends a frame.
func appendFrame(b, data []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	return append(b, data...)
}

// openFrame appends the head of a frame whose bytes are appended next, and
// closeFrame fills it in.
func openFrame(b []byte) (out []byte, at int) {
	return append(b, 0, 0, 0, 0), len(b)
}

func closeFrame(b []byte, at int) []byte {
	binary.LittleEndian.PutUint32(b[at:], uint32(len(b)-at-frameHead))
	return b
}

// trimmed gives a buffer back that grew too large to keep.
func trimmed(b []byte) []byte {
	if cap(b) > keepBuffer {
		return nil
	}
	return b[:0]
}
