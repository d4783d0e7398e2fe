package stack

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestIssuersOf(t *testing.T) {
	t.Parallel()
	web := Issuer{"web-app", "https://id.gatehouse.test/web", "https://auth:1/web", "ca.pem", "1m"}
	mobile := Issuer{"mobile-app", "https://id.gatehouse.test/mobile", "https://auth:1/mobile", "ca.pem", "1m"}
	for config, want := range map[string][]Issuer{
		"consumers: [{ username: web-app }, { username: mobile-app }]":    {mobile, web},
		"consumers: [{ username: somebody-else }, { username: web-app }]": {web},
		"consumers: [{ custom_id: web-app }]":                             nil,
		"services: []":                                                    nil,
	} {
		got, err := IssuersOf([]byte(config), "https://auth:1", "ca.pem")
		if diff := cmp.Diff(want, got.List); diff != "" || err != nil {
			t.Errorf("%s: error %v, issuers (-want +got):\n%s", config, err, diff)
		}
	}
	if _, err := IssuersOf([]byte("consumers: 7"), "", ""); err == nil {
		t.Error("no error of what is no list of consumers")
	}
}

// fakeGatehouse stands in for the binary: what it finds in the file next is the issuers'
// overlay, what it is told to post it adds to the file posted, and both fail where a file
// says so.
const fakeGatehouse = `#!/bin/sh
cd "$(dirname "$0")"
case $1 in
issuers) cp next kong-issuers.yaml; echo >>rounds; [ ! -f issuer-fails ] ;;
publish) [ ! -f node-fails ] && cat kong-issuers.yaml >>posted ;;
esac`

// TestFollowIssuers: keys are posted when they have changed, once, whether another issuer
// fails or not, and again where the gateway did not take them.
func TestFollowIssuers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write("gatehouse", fakeGatehouse)
	write("issuers.yaml", "")
	write("kong-issuers.yaml", "a")
	s := &Stack{Config: Config{Bin: dir}, runDir: dir}
	posted := []byte("a")
	for _, step := range []struct {
		next, file string // an empty file is there from now on, or gone with a "-" before its name
		posted     string // so far
		fails      bool
	}{
		{next: "a", posted: ""},
		{next: "b", posted: "b"},
		{next: "b", posted: "b"},
		{next: "c", file: "issuer-fails", posted: "bc", fails: true},
		{next: "d", file: "node-fails", posted: "bc", fails: true},
		{next: "d", file: "-issuer-fails", posted: "bc", fails: true},
		{next: "d", file: "-node-fails", posted: "bcd"},
	} {
		write("next", step.next)
		if gone, ok := strings.CutPrefix(step.file, "-"); ok {
			_ = os.Remove(filepath.Join(dir, gone))
		} else if step.file != "" {
			write(step.file, "")
		}
		err := s.followRound(t.Context(), &posted)
		if got, _ := os.ReadFile(filepath.Join(dir, "posted")); string(got) != step.posted || (err != nil) != step.fails {
			t.Errorf("%+v: posted %q, error %v", step, got, err)
		}
	}

	write("issuer-fails", "")
	write("rounds", "")
	ctx, cancel := context.WithCancel(t.Context())
	lines, ended := 0, make(chan struct{})
	go func() {
		defer close(ended)
		s.FollowIssuers(ctx, time.Millisecond, func(string) { lines++ })
	}()
	for rounds := ""; len(rounds) < 3; time.Sleep(time.Millisecond) {
		text, _ := os.ReadFile(filepath.Join(dir, "rounds"))
		rounds = string(text)
	}
	cancel()
	<-ended
	if lines != 1 {
		t.Errorf("what fails all the time is said %d times, want once", lines)
	}
}
