// Package journal keeps what a process knows of things under way in a file that outlives
// it: a process that is killed loses nothing that it wrote here, since what is written is
// the kernel's. It does not outlive the machine, and need not: what was under way ended
// with it.
//
// The file is a row of slots of one size. A slot holds one text, or nothing.
package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
)

const (
	// slotSize divides the size of a page: the kernel writes a slot as a whole or not at
	// all, whenever the process is killed.
	slotSize = 1024
	// header is the length of a slot's text; 0 is an empty slot's.
	header = 4
	// MaxText is the longest text, in bytes.
	MaxText = slotSize - header
	// fileMode is for the process's own user: a text may tell who called what.
	fileMode = 0o600
)

// ErrInUse says that another process has the file.
var ErrInUse = errors.New("another process keeps its journal there")

// Journal is an open file. It is safe for concurrent use, but for two calls that concern
// one slot.
type Journal struct {
	file *os.File

	mu   sync.Mutex
	free []int // slots that were used and are not
	next int   // the first slot that never was
}

// Entry is a text that the last process left.
type Entry struct {
	Slot int
	Text []byte
}

// Open opens or makes the file, which is this process's until [Journal.Close], and
// returns what the last process left in it, in no order.
func Open(path string) (*Journal, []Entry, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, nil, err
	}
	j := &Journal{file: file}
	entries, err := j.takeOver()
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open journal %s: %w", path, err), file.Close())
	}
	return j, entries, nil
}

func (j *Journal) takeOver() ([]Entry, error) {
	err := syscall.Flock(int(j.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, ErrInUse
	}
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	all, err := io.ReadAll(j.file)
	if err != nil {
		return nil, err
	}
	return j.read(all), nil
}

// read finds the texts, and the slots that are free. The last slot ends with its text.
func (j *Journal) read(all []byte) (entries []Entry) {
	for ; len(all) > 0; j.next++ {
		slot := all[:min(len(all), slotSize)]
		all = all[len(slot):]
		text := textOf(slot)
		if text == nil {
			j.free = append(j.free, j.next)
			continue
		}
		entries = append(entries, Entry{Slot: j.next, Text: text})
	}
	return entries
}

// textOf is a slot's text, nil if it has none. Of a damaged slot it is what is there.
func textOf(slot []byte) []byte {
	if len(slot) < header {
		return nil
	}
	length, text := binary.LittleEndian.Uint32(slot), slot[header:]
	if length == 0 {
		return nil
	}
	return text[:min(int64(length), int64(len(text)))]
}

// Reserve returns a free slot, which is the caller's until [Journal.Clear].
func (j *Journal) Reserve() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	if last := len(j.free) - 1; last >= 0 {
		slot := j.free[last]
		j.free = j.free[:last]
		return slot
	}
	j.next++
	return j.next - 1
}

// Write puts a text of 1 to [MaxText] bytes in a slot, in place of what it held.
func (j *Journal) Write(slot int, text []byte) error {
	buf := make([]byte, header, slotSize)
	binary.LittleEndian.PutUint32(buf, uint32(len(text))) //nolint:gosec // at most MaxText
	_, err := j.file.WriteAt(append(buf, text...), int64(slot)*slotSize)
	return err
}

// Clear empties a slot, so that nothing is left of its text. It is nobody's then, also if
// there is an error.
func (j *Journal) Clear(slot int) error {
	var empty [slotSize]byte
	_, err := j.file.WriteAt(empty[:], int64(slot)*slotSize)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.free = append(j.free, slot)
	return err
}

// Close leaves the file to the next process.
func (j *Journal) Close() error { return j.file.Close() }
