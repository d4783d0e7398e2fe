package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// input is a file that is read while nobody says to stop. It is opened with the first read,
// which may wait, as that of a pipe does.
type input struct {
	ctx    context.Context
	path   string
	name   string // what messages call it
	from   io.Reader
	out    io.Writer
	chunks chan chunk
	rest   []byte
	last   error
	// err says what is wrong with the file.
	err error
}

// chunk is what one read gave.
type chunk struct {
	bytes []byte
	err   error
}

func newInput(ctx context.Context, s streams, path string) *input {
	in := &input{ctx: ctx, path: path, name: path, out: s.out}
	if path == fromStandardInput {
		in.name, in.from = "standard input", s.in
	}
	return in
}

// Read reads what there is, and ends where ctx does, though a read may wait for ever.
func (in *input) Read(p []byte) (int, error) {
	if in.chunks == nil {
		in.chunks = make(chan chunk)
		go in.pump(in.ctx)
	}
	for len(in.rest) == 0 && in.last == nil {
		select {
		case c := <-in.chunks:
			in.rest, in.last = c.bytes, c.err
		case <-in.ctx.Done():
			in.last = in.ctx.Err()
		}
	}
	if len(in.rest) > 0 {
		n := copy(p, in.rest)
		in.rest = in.rest[n:]
		return n, nil
	}
	if in.last != nil && !errors.Is(in.last, io.EOF) {
		in.err = in.last
	}
	return 0, in.last
}

const inputSize = 64 << 10 // bytes read at once

// pump reads the file. Two buffers take turns, since the one that was handed on is read until
// the next is asked for.
func (in *input) pump(ctx context.Context) {
	buffers, turn := [2][]byte{make([]byte, inputSize), make([]byte, inputSize)}, 0
	from, err := in.open()
	if file, ok := from.(*os.File); ok && in.from == nil {
		defer file.Close()
	}
	for first := true; ; turn ^= 1 {
		n := 0
		if err == nil {
			n, err = from.Read(buffers[turn])
		}
		if err != nil && !errors.Is(err, io.EOF) && in.path == fromStandardInput {
			err = fmt.Errorf("read standard input: %w", bare(err))
		}
		if first && n > 0 {
			first = false
			if what := isNoText(buffers[turn][:n]); what != "" {
				n, err = 0, fmt.Errorf("%s %s", in.name, what)
			}
		}
		select {
		case in.chunks <- chunk{buffers[turn][:n], err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// open returns what is to be read, which is to be closed in any case where it is a file.
func (in *input) open() (io.Reader, error) {
	if in.from != nil {
		return in.from, nil
	}
	file, err := os.Open(in.path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	switch {
	case err != nil:
		return file, err
	case info.IsDir():
		return file, fmt.Errorf("%s is a directory: name the files in it", in.path)
	case info.Mode().IsRegular() && isWrittenTo(in.out, info):
		return file, fmt.Errorf("%s is what is written to: write to another file", in.path)
	}
	return file, nil
}

// isWrittenTo reports whether a file is the output, which would be read for ever.
func isWrittenTo(out io.Writer, info os.FileInfo) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	of, err := file.Stat()
	return err == nil && os.SameFile(of, info)
}

// compressed are how files begin that hold text in another form, and what reads them.
var compressed = []struct{ begin, what string }{
	{"\x1f\x8b", "is compressed with gzip: zcat FILE | gatehouse scrub"},
	{"\x28\xb5\x2f\xfd", "is compressed with zstd: zstdcat FILE | gatehouse scrub"},
	{"\xfd7zXZ\x00", "is compressed with xz: xzcat FILE | gatehouse scrub"},
	{"BZh91AY", "is compressed with bzip2: bzcat FILE | gatehouse scrub"},
	{"PK\x03\x04", "is a zip archive: unzip -p FILE | gatehouse scrub"},
	{"\xff\xfe", "is in UTF-16, in which nothing is found: iconv -f UTF-16 -t UTF-8 FILE | gatehouse scrub"},
	{"\xfe\xff", "is in UTF-16, in which nothing is found: iconv -f UTF-16 -t UTF-8 FILE | gatehouse scrub"},
}

// isNoText says what a file is that begins so, and what to do; empty if it may be text.
func isNoText(begin []byte) string {
	for _, c := range compressed {
		if bytes.HasPrefix(begin, []byte(c.begin)) {
			return c.what
		}
	}
	return ""
}

// lineWriter remembers whether what it wrote ends in a newline.
type lineWriter struct {
	to   io.Writer
	open bool // a line is not at its end
}

// Write writes on.
func (w *lineWriter) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	if n > 0 {
		w.open = p[n-1] != '\n'
	}
	return n, err
}

// endLine ends the line of a file that does not: with the next file's first line it would be
// another one, which nobody has looked at.
func (w *lineWriter) endLine() error {
	if !w.open {
		return nil
	}
	_, err := w.Write([]byte{'\n'})
	return err
}
