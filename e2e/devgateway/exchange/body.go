package exchange

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// bodyBufferSize is nginx's client_body_buffer_size in Kong: a longer body goes
// to a file.
const bodyBufferSize = 8 << 10

// Body is the request's body. It is read when somebody asks for it, at the
// latest before the request is proxied.
type Body struct {
	source   io.Reader
	data     []byte
	read     bool
	received int64  // from the client, in bytes
	changed  bool   // by a plugin, which keeps it in memory
	file     string // where the body was spooled to, or ""
}

// NewBody wraps what the client sends.
func NewBody(source io.Reader) Body { return Body{source: source} }

// Read returns the whole body.
func (b *Body) Read() ([]byte, error) {
	if b.read || b.source == nil {
		return b.data, nil
	}
	data, err := io.ReadAll(b.source)
	if err != nil {
		return nil, fmt.Errorf("read request body: %w", err)
	}
	b.data, b.read, b.received = data, true, int64(len(data))
	return data, nil
}

// Stream returns a reader of the body that does not wait for the end of it.
func (b *Body) Stream() io.Reader {
	if b.read || b.source == nil {
		return bytes.NewReader(b.data)
	}
	return b.source
}

// Replace puts another body in its place.
func (b *Body) Replace(data []byte) { b.data, b.read, b.changed = data, true, true }

// Known tells whether the whole body is in memory.
func (b *Body) Known() bool { return b.read }

// Spool writes a body that does not fit nginx's buffer to a file, and returns
// the file's path, or "" if the body fits. Close removes the file.
func (b *Body) Spool() (string, error) {
	if b.changed || len(b.data) <= bodyBufferSize || b.file != "" {
		return b.file, nil
	}
	f, err := os.CreateTemp("", "devgateway-body-")
	if err != nil {
		return "", fmt.Errorf("spool request body: %w", err)
	}
	b.file = f.Name()
	_, err = f.Write(b.data)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("spool request body: %w", err)
	}
	return b.file, nil
}

// Close removes what Spool left.
func (b *Body) Close() error {
	if b.file == "" {
		return nil
	}
	return os.Remove(b.file)
}
