package auditchain

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Interval is how long a line may stand that no signature covers.
const Interval = time.Minute

// Writer chains lines. It is safe for concurrent use.
type Writer struct {
	out io.Writer
	key *Key

	mu     sync.Mutex
	before []State     // what the next chain's start names
	tip    State       // of the chain that is written; no chain: none is
	next   uint64      // the number of its next line
	timer  *time.Timer // until the checkpoint; nil where no line waits for one
	line   []byte
	closed bool
}

// NewWriter writes the chained lines to out, a whole line in each write. before is what
// stands in the log so far: see [LastStates].
func NewWriter(out io.Writer, key *Key, before []State) *Writer {
	return &Writer{out: out, key: key, before: before}
}

var lineEnd = []byte("}\n")

// Write writes one line, which is a JSON object and ends with a line feed. Where it
// returns an error the line is not in the chain.
func (w *Writer) Write(line []byte) (int, error) {
	body, ok := bytes.CutSuffix(line, lineEnd)
	if !ok || len(body) < 2 {
		return 0, errors.New("chain audit line: it is no JSON object with a line feed")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return 0, os.ErrClosed
	}
	if err := w.begin(); err != nil {
		return 0, err
	}
	if err := w.put(body, false); err != nil {
		return 0, err
	}
	w.signLater()
	return len(line), nil
}

// begin begins a chain if there is none.
func (w *Writer) begin() error {
	if w.tip.Chain != "" {
		return nil
	}
	var id [8]byte
	_, _ = rand.Read(id[:]) // it does not fail
	w.tip, w.next = State{Chain: hex.EncodeToString(id[:])}, 0
	if err := w.mark(mark{Log: logStart, Before: w.before}); err != nil {
		w.tip = State{}
		return err
	}
	w.before = nil
	return nil
}

// mark writes a signed line.
func (w *Writer) mark(m mark) error {
	m.Time, m.Key = time.Now().UTC().Format(time.RFC3339Nano), w.key.id
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return w.put(text[:len(text)-1], true)
}

// put writes a line, of which body is all but the last brace, as the chain's next. The
// chain goes on where nothing of a line was written; after a part, which may become a
// whole line yet, another chain begins, whose start names what is known of this one.
func (w *Writer) put(body []byte, sign bool) error {
	w.line = appendLink(append(w.line[:0], body...), w.tip.Chain, w.next, w.tip.Hash)
	if sign {
		w.line = appendSignature(w.line, w.key.private)
	}
	w.line = append(w.line, lineEnd...)
	n, err := w.out.Write(w.line)
	if err == nil && n < len(w.line) {
		err = io.ErrShortWrite
	}
	switch {
	case err == nil:
		w.tip.Seq, w.tip.Hash = w.next, hashOf(w.line[:len(w.line)-1])
		w.next++
	case n > 0 && w.next > 0:
		w.before, w.tip = []State{w.tip}, State{}
	}
	return err
}

// signLater has a checkpoint written, unless one is to be already.
func (w *Writer) signLater() {
	if w.timer == nil {
		w.timer = time.AfterFunc(Interval, w.checkpoint)
	}
}

func (w *Writer) checkpoint() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = nil
	if w.closed || w.tip.Chain == "" {
		return
	}
	// Where it cannot be written records cannot either, and their errors are counted.
	if err := w.mark(mark{Log: logCheckpoint}); err != nil {
		w.signLater()
	}
}

// Close ends the chain with a checkpoint that says so. It does not close out.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	if w.timer != nil {
		w.timer.Stop()
	}
	if w.tip.Chain == "" {
		return nil
	}
	if err := w.mark(mark{Log: logCheckpoint, End: true}); err != nil {
		return fmt.Errorf("end audit chain: %w", err)
	}
	return nil
}
