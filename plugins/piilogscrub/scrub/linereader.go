package scrub

import (
	"bufio"
	"errors"
)

// lineReader reads lines, of which it holds no more than limit bytes: of a longer one it
// only counts the rest, to say how long the dropped line was.
type lineReader struct {
	r     *bufio.Reader
	limit int
	buf   []byte
	size  int  // bytes of the line, those not held included
	long  bool // the line is longer than limit
	ended bool // the line ended in a newline

	first, end, last byte // the line's first and last byte that is no blank, and its last one
}

// next returns the next line without its newline, valid until the call after
// it; io.EOF with what is left where the input does not end in a newline.
func (l *lineReader) next() ([]byte, error) {
	l.buf, l.size, l.long, l.ended = l.buf[:0], 0, false, false
	l.first, l.end, l.last = ' ', ' ', ' '
	for {
		part, err := l.r.ReadSlice('\n')
		if n := len(part); n > 0 && part[n-1] == '\n' {
			part, l.ended = part[:n-1], true
		}
		l.note(part)
		l.long = l.long || l.size > l.limit
		if !l.long && l.ended && len(l.buf) == 0 {
			return part, nil // the whole line is in the reader's buffer
		}
		if !l.long {
			l.buf = append(l.buf, part...)
		}
		if l.ended || err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return l.buf, ignoreEnd(err, l.ended)
		}
	}
}

// note counts a part of a line, and remembers how the line begins and ends.
func (l *lineReader) note(part []byte) {
	l.size += len(part)
	for i := 0; i < len(part) && is(l.first, blank); i++ {
		l.first = part[i]
	}
	for i := len(part) - 1; i >= 0; i-- {
		if !is(part[i], blank) {
			l.end = part[i]
			break
		}
	}
	if len(part) > 0 {
		l.last = part[len(part)-1]
	}
}

// structured reports whether the line begins and ends as a JSON object or array does.
func (l *lineReader) structured() bool {
	return l.first == '{' && l.end == '}' || l.first == '[' && l.end == ']'
}

// ignoreEnd drops the error that came with a whole line.
func ignoreEnd(err error, ended bool) error {
	if ended {
		return nil
	}
	return err
}
