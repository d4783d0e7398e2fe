package scrub

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-faster/jx"
)

// FilterOptions says how [Filter] reads lines and what it writes.
type FilterOptions struct {
	// Engine is what finds; required.
	Engine *Engine
	// Format says what a line is.
	Format Format
	// Findings writes what is found in place of the line: one JSON object a line,
	// {"findings":[{"kind":"card","start":17,"end":33}]}, with byte offsets into
	// the line, the end exclusive.
	Findings bool
}

var formatNames = []string{"text", "access", "json", "query", "url", "request"}

// String returns the name used on command lines.
func (f Format) String() string {
	if int(f) >= len(formatNames) {
		return "format(" + strconv.Itoa(int(f)) + ")"
	}
	return formatNames[f]
}

// ParseFormat returns the format of that name.
func ParseFormat(name string) (Format, error) {
	for i, n := range formatNames {
		if n == name {
			return Format(i), nil
		}
	}
	return 0, fmt.Errorf("unknown format %q: use one of %s", name, strings.Join(formatNames, ", "))
}

// Filter reads lines from in until it ends and writes each to out, scrubbed. A
// line longer than the policy's MaxBytes is dropped, and what was read of it
// forgotten: memory is bounded whatever comes in. What is written is flushed
// whenever no more input waits, so that a pipe shows each line at once. Errors
// are those of in and out.
func Filter(in io.Reader, out io.Writer, o FilterOptions) error {
	r := lineReader{r: bufio.NewReaderSize(in, 64<<10), limit: o.Engine.maxBytes}
	w := bufio.NewWriterSize(out, 64<<10)
	f := filter{o: o}
	for {
		line, err := r.next()
		if err != nil && (!errors.Is(err, io.EOF) || r.size == 0) {
			return errors.Join(ignoreEOF(err), w.Flush())
		}
		if _, err := w.Write(f.write(line, &r)); err != nil {
			return fmt.Errorf("write line: %w", err)
		}
		if r.r.Buffered() == 0 {
			if err := w.Flush(); err != nil {
				return fmt.Errorf("write line: %w", err)
			}
		}
	}
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return fmt.Errorf("read line: %w", err)
}

// filter holds the memory that each line uses again.
type filter struct {
	o        FilterOptions
	out      []byte
	line     []byte
	findings []Finding
	pem      pemLines
}

// write returns what is written for a line.
func (f *filter) write(line []byte, r *lineReader) []byte {
	f.out, f.findings = f.out[:0], f.findings[:0]
	key, found := f.pem.next(line)
	found = found && f.o.Engine.actions[Secret] != Keep
	if !f.o.Findings {
		switch {
		case r.long:
			f.out = append(f.out, Dropped.Marker()...)
		case found:
			f.line = append(f.line[:0], line[:key.start]...)
			f.line = f.o.Engine.replacement(f.line, Secret, line[key.start:key.end])
			f.line = append(f.line, line[key.end:]...)
			f.out, _ = f.o.Engine.Scrub(f.out, f.line, f.o.Format)
		default:
			f.out, _ = f.o.Engine.Scrub(f.out, line, f.o.Format)
		}
		if r.ended {
			f.out = append(f.out, '\n')
		}
		return f.out
	}
	if r.long {
		f.findings = append(f.findings, Finding{Field, 0, r.size})
	} else {
		f.findings = f.o.Engine.Findings(f.findings, line, f.o.Format)
		if found {
			f.findings = withKey(f.findings, key)
		}
	}
	f.out = appendFindings(f.out, f.findings)
	return append(f.out, '\n')
}

// withKey returns findings with the part of a key among them, in place of what is in it.
func withKey(list []Finding, key span) []Finding {
	list = slices.DeleteFunc(list, func(f Finding) bool { return f.Start < key.end && f.End > key.start })
	at, _ := slices.BinarySearchFunc(list, key.start, func(f Finding, start int) int { return cmp.Compare(f.Start, start) })
	return slices.Insert(list, at, Finding{Secret, key.start, key.end})
}

// appendFindings appends findings as a JSON object.
func appendFindings(dst []byte, list []Finding) []byte {
	var e jx.Encoder
	e.SetBytes(dst)
	e.ObjStart()
	e.FieldStart("findings")
	e.ArrStart()
	for _, f := range list {
		e.ObjStart()
		e.FieldStart("kind")
		e.Str(f.Kind.String())
		e.FieldStart("start")
		e.Int(f.Start)
		e.FieldStart("end")
		e.Int(f.End)
		e.ObjEnd()
	}
	e.ArrEnd()
	e.ObjEnd()
	return e.Bytes()
}

// lineReader reads lines, of which it holds no more than limit bytes: of a longer one it
// only counts the rest, to say how long the dropped line was.
type lineReader struct {
	r     *bufio.Reader
	limit int
	buf   []byte
	size  int  // bytes of the line, those not held included
	long  bool // the line is longer than limit
	ended bool // the line ended in a newline
}

// next returns the next line without its newline, valid until the call after
// it; io.EOF with what is left where the input does not end in a newline.
func (l *lineReader) next() ([]byte, error) {
	l.buf, l.size, l.long, l.ended = l.buf[:0], 0, false, false
	for {
		part, err := l.r.ReadSlice('\n')
		if n := len(part); n > 0 && part[n-1] == '\n' {
			part, l.ended = part[:n-1], true
		}
		l.size += len(part)
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

// ignoreEnd drops the error that came with a whole line.
func ignoreEnd(err error, ended bool) error {
	if ended {
		return nil
	}
	return err
}
