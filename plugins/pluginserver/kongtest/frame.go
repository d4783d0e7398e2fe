package kongtest

import (
	"io"
	"math"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/internal/protocol"
)

// ReadFrame reads one frame: a little-endian uint32 length, then that many bytes.
// Like Kong it has no limit, but it takes memory only as bytes come. It returns io.EOF
// only where no byte of the frame was there.
func ReadFrame(r io.Reader) ([]byte, error) { return protocol.ReadFrame(r, math.MaxInt) }

// WriteFrame writes one frame in two writes, as Kong does.
func WriteFrame(w io.Writer, data []byte) error {
	frame := protocol.AppendFrame(nil, data)
	if _, err := w.Write(frame[:protocol.HeadSize]); err != nil || len(data) == 0 {
		return err
	}
	_, err := w.Write(frame[protocol.HeadSize:])
	return err
}
