package audit

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const (
	// smallSize is a disk that the records of a quarter of a load fill, in bytes, and
	// largeSize one that takes all.
	smallSize, largeSize = 1 << 20, 64 << 20
	// rotationSize is where a file is rotated.
	rotationSize = 256 << 20
	// leftToRotation is how much of it is left in the file that is there at the start: a
	// few thousand records.
	leftToRotation = 1 << 20
	// reading is how long whoever moved a file takes to read it.
	reading = 2 * time.Second
)

// mounts is what a machine lacks on which this process can mount nothing.
func mounts() string {
	if os.Geteuid() != 0 {
		return "right to mount (root)"
	}
	if _, err := exec.LookPath("mount"); err != nil {
		return "mount on PATH"
	}
	return ""
}

// smallDisk puts a small disk under the file's folder.
func smallDisk(t *trial) error {
	folder := filepath.Dir(t.file)
	if err := mount(folder, "-t", "tmpfs", "-o", fmt.Sprintf("size=%d", smallSize), "tmpfs", folder); err != nil {
		return err
	}
	t.closers = append(t.closers, func() error { return unmount(folder) })
	return nil
}

// diskFull has the disk full from about a third of the load to two thirds.
func diskFull(ctx context.Context, t *trial) error {
	l := startLoad(ctx, t.gate.Proxy, atLeast, 0)
	defer l.wait()
	if err := l.reached(ctx, atLeast*2/3); err != nil {
		return err
	}
	folder := filepath.Dir(t.file)
	return mount(folder, "-o", fmt.Sprintf("remount,size=%d", largeSize), folder)
}

// fileRemoved removes the file in mid-load. What it held by then was not lost by the
// gateway.
func fileRemoved(ctx context.Context, t *trial) error { return t.takeAway(ctx, 0) }

// fileMoved moves it. Whoever moved it reads it two seconds later, and throws it away.
func fileMoved(ctx context.Context, t *trial) error { return t.takeAway(ctx, reading) }

// takeAway moves the file out of its folder in mid-load, and keeps the records that it
// holds some time later. What is written to it after that, nobody finds.
func (t *trial) takeAway(ctx context.Context, later time.Duration) error {
	l := startLoad(ctx, t.gate.Proxy, atLeast, time.Millisecond/2)
	defer l.wait()
	if err := l.reached(ctx, atLeast/3); err != nil {
		return err
	}
	moved := filepath.Join(t.dir, "moved")
	if err := os.Rename(t.file, moved); err != nil {
		return err
	}
	time.Sleep(later)
	info, err := os.Stat(moved)
	if err != nil {
		return err
	}
	if t.kept, err = readRecords(moved, 0, info.Size()); err != nil {
		return err
	}
	return os.Remove(moved)
}

// fixedFile has a file that is nearly full, and that cannot be renamed: something is
// mounted on it, as where a container has a single file of the host's.
func fixedFile(t *trial) error {
	t.offset = rotationSize - leftToRotation
	file, err := os.Create(t.file)
	if err != nil {
		return err
	}
	if err := file.Truncate(t.offset); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	if err := mount(t.file, "--bind", t.file, t.file); err != nil {
		return err
	}
	t.closers = append(t.closers, func() error { return unmount(t.file) })
	return nil
}

func mount(what string, args ...string) error {
	if out, err := exec.Command("mount", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("mount %s: %w: %s", what, err, out)
	}
	return nil
}

func unmount(path string) error {
	if out, err := exec.Command("umount", path).CombinedOutput(); err != nil {
		return fmt.Errorf("unmount %s: %w: %s", path, err, out)
	}
	return nil
}
