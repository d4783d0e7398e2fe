package pluginclient

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

// maxFrame bounds a frame. Kong has no bound; a plugin server that sends more
// than this sends rubbish.
const maxFrame = 64 << 20

// readFrame reads a length, little endian, and as many bytes. It does not
// believe the length before the bytes are there.
func readFrame(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(head[:])
	if size > maxFrame {
		return nil, fmt.Errorf("frame of %d bytes, expected at most %d", size, maxFrame)
	}
	data, err := io.ReadAll(io.LimitReader(r, int64(size)))
	if err == nil && len(data) < int(size) {
		err = io.ErrUnexpectedEOF
	}
	return data, err
}

// writeFrame writes a frame in one piece.
func writeFrame(w *bufio.Writer, data []byte) error {
	var head [4]byte
	binary.LittleEndian.PutUint32(head[:], uint32(len(data)))
	_, err := w.Write(head[:])
	if err == nil {
		_, err = w.Write(data)
	}
	return err
}

// errClosed is OpenResty's word for a connection that ended cleanly, in the
// middle of a frame or not.
var errClosed = errors.New("closed")

// socketError puts an error of the socket in OpenResty's words, of which Kong
// looks at "closed" only.
func socketError(err error) error {
	var errno syscall.Errno
	var timeout net.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errClosed
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("timeout")
	case errors.As(err, &errno):
		return errno
	default:
		return err
	}
}
