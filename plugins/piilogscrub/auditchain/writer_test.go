package auditchain

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestCheckpointEachMinute: a line stands for a minute at most without a signature, and
// where none is written none is signed.
func TestCheckpointEachMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		w := next(t, &log, testKey(1))
		wantLines := func(n int) {
			t.Helper()
			synctest.Wait()
			if got := strings.Count(log.String(), "\n"); got != n {
				t.Fatalf("%d lines, want %d:\n%s", got, n, log.String())
			}
		}
		wantLines(0)
		write(t, w, 1, 2)
		wantLines(3)
		time.Sleep(Interval / 2)
		write(t, w, 3, 3)
		time.Sleep(Interval / 2)
		wantLines(5)
		time.Sleep(time.Hour)
		wantLines(5)
		write(t, w, 4, 4)
		time.Sleep(Interval)
		wantLines(7)
		write(t, w, 5, 5)
		end(t, w)
		wantLines(9)
		time.Sleep(time.Hour)
		wantLines(9)
		var m mark
		if err := json.Unmarshal([]byte(lines(log.String())[4]), &m); err != nil || m.Time != "2000-01-01T00:01:00Z" || m.Log != logCheckpoint {
			t.Errorf("checkpoint %+v, %v", m, err)
		}
		if found, all, _ := verify(publicOf(testKey(1)), lines(log.String())); len(found) > 0 {
			t.Errorf("found %v", all)
		}
	})
}

// faulty is a file that fails: it takes so many bytes of each write, all if negative.
type faulty struct {
	bytes.Buffer
	take int
	mend string // what the file's writer puts after part of a line
}

var errDisk = errors.New("disk is full")

func (f *faulty) Write(p []byte) (int, error) {
	if f.take < 0 {
		return f.Buffer.Write(p)
	}
	f.Buffer.Write(p[:min(f.take, len(p)-1)])
	if f.take > 0 {
		f.WriteString(f.mend)
	}
	return min(f.take, len(p)-1), errDisk
}

// TestWriteFails: lines that were not written are in no chain, and those after them are.
func TestWriteFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		take int
		mend string
		want []string
	}{
		{"nothing is written", 0, "", nil},
		{"half a line, which is ended", 50, "\n", []string{"4 not JSON", "3 N"}},
		{"all but the line's end, which is put there", 1 << 20, "\n", []string{"4 not vouched for"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			key := testKey(1)
			file := &faulty{take: -1, mend: tt.mend}
			w := NewWriter(file, key, nil)
			write(t, w, 1, 2)
			file.take = tt.take
			if _, err := w.Write([]byte(`{"log":"audit"}` + "\n")); !errors.Is(err, errDisk) {
				t.Errorf("error %v, want %v", err, errDisk)
			}
			file.take = -1
			write(t, w, 3, 4)
			end(t, w)
			found, all, _ := verify(publicOf(key), lines(file.String()))
			if !slices.Equal(found, tt.want) {
				t.Errorf("found %v, want %v", all, tt.want)
			}
		})
	}
}

// TestStartFails: the chain begins when its start can be written.
func TestStartFails(t *testing.T) {
	t.Parallel()
	key := testKey(1)
	file := &faulty{}
	before := []State{{Chain: "0123456789abcdef", Seq: 7}}
	w := NewWriter(file, key, before)
	for range 2 {
		if _, err := w.Write([]byte(`{"log":"audit"}` + "\n")); !errors.Is(err, errDisk) {
			t.Errorf("error %v, want %v", err, errDisk)
		}
	}
	file.take = -1
	write(t, w, 1, 1)
	end(t, w)
	list := lines(file.String())
	if len(list) != 3 || !strings.Contains(list[0], before[0].Chain) {
		t.Errorf("log %s", file.String())
	}
	if _, err := w.Write([]byte("{}\n")); err == nil {
		t.Error("a line without fields is chained")
	}
	if _, err := w.Write([]byte(`{"log":"audit"}` + "\n")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

// TestForgedFields: what a client writes cannot be taken for the fields of a chain.
func TestForgedFields(t *testing.T) {
	t.Parallel()
	key := testKey(1)
	link := string(appendLink([]byte("x"), "0123456789abcdef", 0, Hash{}))
	for _, value := range []any{link + "}", link + "}\n", "\\" + link, map[string]string{"a": "b", "chain": "0123456789abcdef", "seq": "0"}} {
		var log bytes.Buffer
		w := NewWriter(&log, key, nil)
		slog.New(slog.NewJSONHandler(w, nil)).Info("", "log", "audit", "path", value)
		end(t, w)
		if found, all, r := verify(publicOf(key), lines(log.String())); len(found) > 0 || r.Chained != 3 {
			t.Errorf("%v: found %v in %s", value, all, log.String())
		}
	}
}

func TestConcurrentWrites(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	w := next(t, &log, testKey(1))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() { write(t, w, i*100, i*100+50) })
	}
	wg.Wait()
	end(t, w)
	if found, all, r := verify(publicOf(testKey(1)), lines(log.String())); len(found) > 0 || r.Chained != 8*51+2 {
		t.Errorf("found %v, %+v", all, r)
	}
}

// TestLastStates: each chain is named once, by the next start, and what is no whole line
// is none of a chain.
func TestLastStates(t *testing.T) {
	t.Parallel()
	whole := strings.Join(twoChains(t, testKey(1)), "")
	list := lines(whole)
	second, _ := parseLink([]byte(strings.TrimSuffix(list[19], "\n")))
	for name, log := range map[string]string{
		"whole": whole, "its last bytes": whole[len(whole)-2000:], "and half a line": whole + list[15][40:], "and others": whole + "{\"log\":\"access\"}\nx\n",
	} {
		states, err := LastStates(strings.NewReader(log))
		if err != nil || len(states) != 1 || states[0].Chain != string(second.chain) || states[0].Seq != 6 {
			t.Errorf("%s: %v, %v", name, states, err)
		}
	}
	states, err := LastStates(io.MultiReader(strings.NewReader(whole), &broken{}))
	if len(states) != 1 || !errors.Is(err, errDisk) {
		t.Errorf("with a fault at the end: %v, %v", states, err)
	}
}

type broken struct{}

func (*broken) Read([]byte) (int, error) { return 0, errDisk }
