package scrub

import (
	"bufio"
	"bytes"
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
	// Render appends what is written in place of a line, the newline included.
	Render func(dst []byte, l *Line) []byte
	// Observe is told of each line before something is written for it.
	Observe func(l *Line)
}

var formatNames = []string{"text", "access", "json", "query", "url", "request"}

// String returns the name used on command lines.
func (f Format) String() string {
	if int(f) >= len(formatNames) {
		return "format(" + strconv.Itoa(int(f)) + ")"
	}
	return formatNames[f]
}

// Formats are the names of all.
func Formats() []string { return slices.Clone(formatNames) }

// ParseFormat returns the format of that name.
func ParseFormat(name string) (Format, error) {
	for i, n := range formatNames {
		if n == name {
			return Format(i), nil
		}
	}
	return 0, fmt.Errorf("unknown format %q: use one of %s", name, strings.Join(formatNames, ", "))
}

// OutputError is the error of what a [Filter] writes to; all others are of what it reads.
type OutputError struct{ Err error }

func (e *OutputError) Error() string { return "write line: " + e.Err.Error() }

// Unwrap returns the writer's own error.
func (e *OutputError) Unwrap() error { return e.Err }

// Filter reads lines from in until it ends and writes each to out, scrubbed. A
// line longer than the policy's MaxBytes is dropped, and what was read of it
// forgotten: memory is bounded whatever comes in. What is written is flushed
// whenever no more input waits, so that a pipe shows each line at once. A line that was
// scrubbed stays as it is when it is scrubbed again. Errors are those of in, and of out as
// [*OutputError].
func Filter(in io.Reader, out io.Writer, o FilterOptions) error {
	r := lineReader{r: bufio.NewReaderSize(in, readSize), limit: o.Engine.maxBytes}
	w := bufio.NewWriterSize(out, readSize)
	f := filter{FilterOptions: o}
	f.line.filter = &f
	for {
		line, err := r.next()
		if err != nil && (!errors.Is(err, io.EOF) || r.size == 0) {
			return errors.Join(ignoreEOF(err), flush(w))
		}
		if _, err := w.Write(f.write(line, &r)); err != nil {
			return &OutputError{err}
		}
		if r.r.Buffered() == 0 {
			if err := flush(w); err != nil {
				return err
			}
		}
	}
}

// readSize is how much is read and written at once.
const readSize = 64 << 10

func flush(w *bufio.Writer) error {
	if err := w.Flush(); err != nil {
		return &OutputError{err}
	}
	return nil
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return fmt.Errorf("read line: %w", err)
}

// filter holds the memory that each line uses again.
type filter struct {
	FilterOptions
	out, again []byte
	keyless    []byte // a line without the part of a key that was found in it
	found      []Explained
	line       Line
	pem        pemLines
}

// write returns what is written for a line.
func (f *filter) write(text []byte, r *lineReader) []byte {
	ending := lineEnding(&text, r)
	key, inKey := f.pem.next(text)
	l := &f.line
	l.Number, l.Text, l.Size, l.Tally = l.Number+1, text, r.size, Tally{}
	l.key, l.inKey, l.unread = key, inKey && f.Engine.actions[Secret] != Keep, unread(text, r.long)
	f.scrub(l, f.Format == FormatJSON || f.Format != FormatURL && f.Format != FormatRequest && r.structured())
	if f.Observe != nil {
		f.Observe(l)
	}
	switch {
	case f.Render != nil:
		return f.Render(f.out[:0], l)
	case f.Findings:
		return append(appendFindings(f.out[:0], l.Explain()), '\n')
	}
	return append(f.out, ending...)
}

// lineEnding takes a '\r' off a line, and returns it with what else ends the line.
func lineEnding(text *[]byte, r *lineReader) string {
	ending := ""
	if r.ended {
		ending = "\n"
	}
	if r.last == '\r' {
		*text = bytes.TrimSuffix(*text, []byte{'\r'})
		ending = "\r" + ending
	}
	return ending
}

// unread is why a line is not examined; [RuleForm] if it is. What has a NUL at every fourth
// byte or more often is no text but UTF-16, say, in which nothing would be found.
func unread(text []byte, long bool) Rule {
	switch {
	case long:
		return RuleTooLong
	case len(text) > 0 && 4*bytes.Count(text, []byte{0}) >= len(text):
		return RuleUnreadable
	}
	return RuleForm
}

// maxPasses bounds how often a line is scrubbed until nothing changes any more. One pass is
// enough for nearly all lines. A second one finds what stands in another light once its
// neighbours are gone.
const maxPasses = 8

// scrub has f.out be the line, scrubbed, and counts what was found.
func (f *filter) scrub(l *Line, quoted bool) {
	text := l.Text
	if l.inKey {
		text = append(f.keyless[:0], text[:l.key.start]...)
		text = f.Engine.replacement(text, Secret, l.Text[l.key.start:l.key.end])
		text = append(text, l.Text[l.key.end:]...)
		f.keyless = text
	}
	if l.unread == RuleForm {
		f.out, l.Tally = f.Engine.Scrub(f.out[:0], text, f.Format)
		switch settled := l.Tally.Total() == 0 || f.settle(l); {
		case !settled:
			l.unread = RuleTooCostly
		case unread(f.out, false) != RuleForm: // what is left is mostly NULs
			l.unread = RuleUnreadable
		default:
			if l.inKey {
				l.Tally[Secret]++
			}
			return
		}
	}
	f.out = appendDropped(f.out[:0], quoted)
	l.Tally = Tally{}
	l.Tally[Dropped] = 1
}

// settle scrubs f.out until that changes nothing, and reports whether it came to that.
func (f *filter) settle(l *Line) bool {
	for range maxPasses {
		var t Tally
		f.again, t = f.Engine.Scrub(f.again[:0], f.out, f.Format)
		f.out, f.again = f.again, f.out
		if bytes.Equal(f.out, f.again) {
			return true
		}
		l.Tally[Dropped] += t[Dropped]
	}
	return false
}

// Line is a line that a [Filter] has read.
type Line struct {
	// Number is from 1.
	Number int
	// Text is the line without what ends it, of one that is too long no more than its
	// beginning. It is valid until the next line is read.
	Text []byte
	// Size is how many bytes it has.
	Size int
	// Tally counts what was found.
	Tally Tally

	filter *filter
	key    span // the part of a key that earlier lines began
	inKey  bool
	unread Rule // why it is not examined
}

// Scrubbed is the line, scrubbed. It is valid until the next line is read.
func (l *Line) Scrubbed() []byte { return l.filter.out }

// Explain returns what was found in the line, and why. It is valid until the next call.
func (l *Line) Explain() []Explained {
	f := l.filter
	switch f.found = f.found[:0]; {
	case l.unread != RuleForm:
		f.found = append(f.found, Explained{Finding: Finding{Field, 0, l.Size}, Rule: l.unread, Dropped: true})
	case l.inKey:
		f.found = withKey(f.Engine.Explain(f.found, l.Text, f.Format), l.key)
	case l.Tally.Total() > 0:
		f.found = f.Engine.Explain(f.found, l.Text, f.Format)
	}
	return f.found
}

// withKey returns findings with the part of a key among them, in place of what is in it.
func withKey(list []Explained, key span) []Explained {
	list = slices.DeleteFunc(list, func(x Explained) bool { return x.Start < key.end && x.End > key.start })
	at, _ := slices.BinarySearchFunc(list, key.start, func(x Explained, start int) int { return x.Start - start })
	return slices.Insert(list, at, Explained{Finding: Finding{Secret, key.start, key.end}})
}

// appendFindings appends findings as a JSON object.
func appendFindings(dst []byte, list []Explained) []byte {
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
