package kongtest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// firstRead is how many bytes a length alone makes ReadFrame allocate.
const firstRead = 64 << 10

// ReadFrame reads one frame: a little-endian uint32 length, then that many bytes.
// Like Kong it has no limit, but it takes memory only as bytes come. It returns io.EOF
// only where no byte of the frame was there.
func ReadFrame(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := int64(binary.LittleEndian.Uint32(head[:]))
	frame := make([]byte, min(n, firstRead))
	got, err := io.ReadFull(r, frame)
	for int64(got) < n && err == nil {
		more := min(n-int64(got), int64(got))
		frame = append(frame, make([]byte, more)...)
		var read int
		read, err = io.ReadFull(r, frame[got:])
		got += read
	}
	if err != nil {
		return nil, fmt.Errorf("read frame of %d bytes: %w", n, unexpected(err))
	}
	return frame, nil
}

// unexpected names an end inside a frame.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// WriteFrame writes one frame in two writes, as Kong does.
func WriteFrame(w io.Writer, data []byte) error {
	var head [4]byte
	binary.LittleEndian.PutUint32(head[:], uint32(len(data)))
	if _, err := w.Write(head[:]); err != nil {
		return err
	}
	if len(data) == 0 {
		return nil
	}
	_, err := w.Write(data)
	return err
}
