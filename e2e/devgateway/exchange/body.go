package exchange

import (
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
	source io.Reader
	data   []byte
	read   bool
	file   string // where the body was spooled to, or ""
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
	b.data, b.read = data, true
	return data, nil
}

// Spool writes a body that does not fit nginx's buffer to a file, and returns
// the file's path, or "" if the body fits. Close removes the file.
func (b *Body) Spool() (string, error) {
	if len(b.data) <= bodyBufferSize || b.file != "" {
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
