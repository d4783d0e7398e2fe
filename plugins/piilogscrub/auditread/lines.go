package auditread

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"iter"
	"os"
	"strings"
)

// MaxLine is how much of a line is read, in bytes: a longer one comes cut off, and so is
// no JSON. A record has about 700.
const MaxLine = 1 << 20

// Open opens a file to read, decompressed if it is compressed, whatever its name.
func Open(path string) (io.ReadCloser, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r, err := Decompress(file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return readCloser{r, file}, nil
}

type readCloser struct {
	io.Reader
	io.Closer
}

// Decompress reads r, decompressed if it begins as gzip does.
func Decompress(r io.Reader) (io.Reader, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	magic, err := in.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return in, nil
	}
	return gzip.NewReader(in)
}

// OpenTail opens a file to read its last n bytes, of which the first may be the rest of a
// line. A compressed file is read whole.
func OpenTail(path string, n int64) (io.ReadCloser, error) {
	if strings.HasSuffix(path, compressed) {
		return Open(path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	_, _ = file.Seek(-n, io.SeekEnd) // a shorter file stays at its beginning
	return file, nil
}

// Lines is the lines of r without their ends, and at last the error that stopped the
// reading, if one did. A line is valid until the next one.
func Lines(r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		in := bufio.NewReaderSize(r, MaxLine)
		for {
			line, err := in.ReadSlice('\n')
			if len(line) > 0 && !yield(bytes.TrimSuffix(line, []byte{'\n'}), nil) {
				return
			}
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = in.ReadSlice('\n')
			}
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
		}
	}
}
