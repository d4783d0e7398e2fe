package auditlog

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"syscall"
	"time"
)

// append writes a line in one call, so that it stays whole beside another process'. It
// first ends the half line that the file may end in.
func (f *file) append(line []byte) error {
	if f.torn {
		line = append([]byte{'\n'}, line...)
	}
	n, err := f.current.Write(line)
	if err != nil {
		f.torn = f.torn || n > 0
		if n > 0 && f.takeBack(n) {
			f.torn = line[0] == '\n'
		}
		return err
	}
	f.torn = false
	return nil
}

// takeBack takes away the last n bytes, if they are the last line written and nobody
// else is writing to the file. A file that may only grow (chattr +a) keeps them.
func (f *file) takeBack(n int) bool {
	if lockAlone(f.current) != nil {
		share(f.current)
		return false
	}
	defer share(f.current)
	end, err := f.current.Seek(0, io.SeekCurrent)
	if err != nil {
		return false
	}
	info, err := f.current.Stat()
	return err == nil && info.Size() == end && f.current.Truncate(end-int64(n)) == nil
}

// share says that this process writes to a file, for as long as the file is open.
// Where it cannot be said, nobody waits for it.
func share(f *os.File) { _ = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) }

// lockAlone makes sure that nobody else says that they write to f's file, for as long as
// f is open. If somebody does, the error is [errInUse], and f says nothing any more.
func lockAlone(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

const errInUse = syscall.EWOULDBLOCK

// endsTorn reports whether a file ends in half a line, as one does whose process was
// killed or whose disk was full. A line that another process is writing is given time to
// end; should it take longer, there is an empty line after it.
func endsTorn(f *os.File) (torn bool, err error) {
	for range 10 {
		var info os.FileInfo
		if info, err = f.Stat(); err != nil || info.Size() == 0 {
			return false, err
		}
		var last [1]byte
		if _, err = f.ReadAt(last[:], info.Size()-1); err == nil && last[0] == '\n' {
			return false, nil
		}
		time.Sleep(time.Millisecond)
	}
	return true, err
}

// maxFirstLine bounds the reading of the first record, in bytes.
const maxFirstLine = 1 << 20

// firstTime is the time of a file's first record, or else when the file was last
// written to.
func firstTime(f *os.File, info os.FileInfo) time.Time {
	if info.Size() == 0 {
		return time.Now()
	}
	line, _ := bufio.NewReader(io.NewSectionReader(f, 0, maxFirstLine)).ReadBytes('\n')
	var first struct{ Time time.Time }
	if err := json.Unmarshal(line, &first); err != nil || first.Time.IsZero() {
		return info.ModTime()
	}
	return first.Time
}

func dayOf(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }
