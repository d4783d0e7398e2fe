// Package regularfile reads files that a process needs to start or to go on. What is no
// file with an end, such as a pipe or a device, is an error at once: a read of it could
// wait for ever, and no signal would end that.
package regularfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// notRegular says what is there in place of a regular file.
type notRegular fs.FileMode

func (m notRegular) Error() string {
	kind := "something else"
	switch mode := fs.FileMode(m); {
	case mode&fs.ModeNamedPipe != 0:
		kind = "a pipe"
	case mode&fs.ModeDevice != 0:
		kind = "a device"
	case mode&fs.ModeSocket != 0:
		kind = "a socket"
	case mode.IsDir():
		kind = "a directory"
	}
	return "is " + kind + ", and no regular file"
}

// Open opens the file at path, or where its links lead, to read. Every error is an
// [*fs.PathError].
func Open(path string) (*os.File, error) {
	// Asked first: to open a device can do something.
	info, err := os.Stat(path)
	var failed *fs.PathError
	if errors.As(err, &failed) {
		failed.Op = "open" // which is what was asked for
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, refusal(path, info)
	}
	// A pipe that took the file's place since then does not wait for a writer.
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if info, err = file.Stat(); err == nil && !info.Mode().IsRegular() {
		err = refusal(path, info)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

func refusal(path string, info fs.FileInfo) error {
	return &fs.PathError{Op: "open", Path: path, Err: notRegular(info.Mode())}
}

// Read returns what the file at path holds.
func Read(path string) ([]byte, error) {
	text, _, err := ReadMode(path)
	return text, err
}

// ReadMode returns what the file at path holds, and the mode of the very file that was
// read.
func ReadMode(path string) ([]byte, fs.FileMode, error) {
	file, err := Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, 0, err
	}
	text, err := io.ReadAll(file)
	return text, info.Mode(), err
}
