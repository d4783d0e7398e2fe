package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gatehousehq/gatehouse/plugins/pluginserver/listen"
)

func TestRootAlone(t *testing.T) {
	for name, tt := range map[string]struct {
		info syscall.Stat_t
		want bool
	}{
		"root's":            {syscall.Stat_t{Mode: syscall.S_IFSOCK | 0o660}, true},
		"a group's":         {syscall.Stat_t{Mode: syscall.S_IFSOCK | 0o660, Gid: 100}, false},
		"another user's":    {syscall.Stat_t{Mode: syscall.S_IFSOCK | 0o660, Uid: 100}, false},
		"open to everybody": {syscall.Stat_t{Mode: syscall.S_IFSOCK | 0o666}, false},
	} {
		if got := rootAlone(&tt.info); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// TestWarnOfOwner: of a socket that is made as serve makes it.
func TestWarnOfOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root makes sockets that are root's")
	}
	for name, tt := range map[string]struct {
		group int
		user  string
		want  int
	}{
		"root's folder": {0, "", 1}, "a folder that gives its group": {12345, "", 0}, "workers of root": {0, "root root", 0}, "workers of kong": {0, "kong kong", 1},
	} {
		folder := t.TempDir()
		if err := os.Chown(folder, 0, tt.group); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(folder, 0o750|os.ModeSetgid); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, "s")
		socket, err := listen.Unix(path)
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		warnOfOwner(slog.New(slog.NewJSONHandler(&log, nil)), path, func(string) string { return tt.user })
		warnOfOwner(slog.New(slog.NewJSONHandler(&log, nil)), path+"-not-there", func(string) string { return tt.user })
		if strings.Count(log.String(), "root's alone") != tt.want {
			t.Errorf("%s: %s", name, &log)
		}
		_ = socket.Close()
	}
}
