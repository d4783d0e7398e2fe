package mtls_test

import (
	"log/slog"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehousehq/gatehouse/internal/mtls"
)

// looker has an identity look at its files a while later, by the metrics that it hands out.
type looker struct {
	log     *logLines
	metrics *prometheus.Registry
}

func newLooker(t *testing.T, f mtls.Files) *looker {
	t.Helper()
	l := &looker{log: &logLines{}, metrics: prometheus.NewRegistry()}
	identity, err := mtls.Open(mtls.Settings{Files: f}, slog.New(slog.NewTextHandler(l.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	l.metrics.MustRegister(identity)
	return l
}

// failed says whether the files are no good after that time.
func (l *looker) failed(t *testing.T, after time.Duration) bool {
	t.Helper()
	time.Sleep(after)
	families, err := l.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == failedReload {
			return family.GetMetric()[0].GetGauge().GetValue() == 1
		}
	}
	t.Fatal("no metric " + failedReload)
	return false
}

const (
	refusedLine = "the last good one stays"
	inUseLine   = "new certificate in use"
	goodLine    = "files are good again"
	look        = time.Second
)

// TestRefusedAreReadAgain: what was refused is used once the fix is made, though the fix
// leaves no trace in what the files hold, and until then there is one line of it.
func TestRefusedAreReadAgain(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spoil, mend func(t *testing.T, ca *authority, f mtls.Files)
		inUse, good int // lines after it
	}{
		"a key's mode": {
			func(t *testing.T, ca *authority, f mtls.Files) {
				replaced(ca, time.Now().Add(-time.Hour), time.Now().Add(2*time.Hour))(t, f)
				must(t, os.Chmod(f.Key, 0o644))
			},
			func(t *testing.T, _ *authority, f mtls.Files) { must(t, os.Chmod(f.Key, 0o600)) }, 1, 0,
		},
		"the mode of the key in use": {
			func(t *testing.T, _ *authority, f mtls.Files) { must(t, os.Chmod(f.Key, 0o644)) },
			func(t *testing.T, _ *authority, f mtls.Files) { must(t, os.Chmod(f.Key, 0o600)) }, 0, 1,
		},
		"not valid yet": {
			func(t *testing.T, ca *authority, f mtls.Files) {
				replaced(ca, time.Now().Add(time.Minute), time.Now().Add(2*time.Hour))(t, f)
			},
			func(*testing.T, *authority, mtls.Files) { time.Sleep(time.Minute) }, 1, 0,
		},
		"a pipe": {
			func(t *testing.T, _ *authority, f mtls.Files) {
				must(t, os.Rename(f.CA, f.CA+".kept"))
				must(t, syscall.Mkfifo(f.CA, 0o600))
			},
			func(t *testing.T, _ *authority, f mtls.Files) { must(t, os.Rename(f.CA+".kept", f.CA)) }, 0, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ca := newCA(t, "ca")
				f := files(t, ca, ca.issue(t, "bff", time.Now().Add(-time.Hour), time.Now().Add(time.Hour)))
				l := newLooker(t, f)
				tc.spoil(t, ca, f)
				for range 5 {
					if !l.failed(t, look) {
						t.Fatal("the files are good")
					}
				}
				if lines := l.log.count(refusedLine); lines != 1 {
					t.Errorf("%d lines of what is wrong, want 1:\n%s", lines, l.log.text.String())
				}
				tc.mend(t, ca, f)
				if l.failed(t, look) {
					t.Error("the files are no good after the fix")
				}
				if inUse, good := l.log.count(inUseLine), l.log.count(goodLine); inUse != tc.inUse || good != tc.good {
					t.Errorf("%d, %d lines, want %d, %d:\n%s", inUse, good, tc.inUse, tc.good, l.log.text.String())
				}
			})
		})
	}
}

// TestReadOnceASecond: files that are no good are not read for everybody who connects.
func TestReadOnceASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ca := newCA(t, "ca")
		f := files(t, ca, ca.issue(t, "bff", time.Now().Add(-time.Hour), time.Now().Add(time.Hour)))
		l := newLooker(t, f)
		must(t, os.Chmod(f.Key, 0o644))
		if !l.failed(t, look) {
			t.Fatal("the files are good")
		}
		must(t, os.Chmod(f.Key, 0o600))
		if !l.failed(t, look/2) {
			t.Error("read again within half a second")
		}
		if l.failed(t, look/2) {
			t.Error("not read again within a second")
		}
	})
}

// TestEachFaultHasALine, and each attempt to put it right that fails.
func TestEachFaultHasALine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ca := newCA(t, "ca")
		leaf := ca.issue(t, "bff", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
		f := files(t, ca, leaf)
		l := newLooker(t, f)
		for lines, step := range []func(){
			func() { must(t, os.Chmod(f.Key, 0o644)) },
			func() { put(t, f.Cert, nil) },
			func() { put(t, f.Cert, []byte("x")) },
			func() {
				replaced(ca, time.Now().Add(time.Minute), time.Now().Add(5*time.Minute))(t, f)
				must(t, os.Chmod(f.Key, 0o600))
			},
			func() { time.Sleep(6 * time.Minute) }, // never looked at while it was valid
		} {
			step()
			for range 3 {
				l.failed(t, look)
			}
			if got := l.log.count(refusedLine); got != lines+1 {
				t.Fatalf("%d lines after step %d, want %d:\n%s", got, lines, lines+1, l.log.text.String())
			}
		}
	})
}

// TestSameSizeAndTime: cp -p and tar keep the time of change, and keys are of one size.
func TestSameSizeAndTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ca := newCA(t, "ca")
		from, until := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		f := files(t, ca, ca.issue(t, "bff", from, until))
		old := time.Unix(1e9, 0)
		age := func() {
			for _, path := range []string{f.Cert, f.Key, f.CA} {
				must(t, os.Chtimes(path, old, old))
			}
		}
		replaced(ca, from, until)(t, f)
		age()
		l := newLooker(t, f)
		size := func() int64 {
			info, err := os.Stat(f.Cert)
			must(t, err)
			return info.Size()
		}
		before := size()
		for {
			replaced(ca, from, until)(t, f)
			if age(); size() == before { // a signature's length varies
				break
			}
		}
		if l.failed(t, look) || l.log.count(inUseLine) != 1 {
			t.Errorf("not used:\n%s", l.log.text.String())
		}
		must(t, os.Chtimes(f.Cert, time.Now(), time.Now())) // says nothing new
		if l.failed(t, look) || l.log.count(inUseLine) != 1 {
			t.Errorf("used once more:\n%s", l.log.text.String())
		}
	})
}
