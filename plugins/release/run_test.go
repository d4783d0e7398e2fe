package release_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gatehousehq/gatehouse/plugins/release"
)

// fleet is replicas that fail by a script: each byte says what goes wrong with a step.
type fleet struct {
	runs  []release.Side
	dead  []bool // it answers nobody, and comes up with a config of its own
	fails []byte
	saved []byte // the journal
	stop  context.CancelFunc
	posts int
}

var errKilled = errors.New("killed")

const (
	postRefused = iota + 1 // 400: it goes on with what it runs
	postLost               // it took it, and the answer was lost
	postCut                // it did not get it
	dies                   // the replica dies, for good
	restarts               // it comes up with what its file has
	worse                  // what is watched is worse
	interrupts             // Ctrl-C
	crashBefore            // the process is killed before the step
	crashAfter             // and after it
	saveFails              // the disk is full
	notHeld                // the lock is lost
	faults
)

func (f *fleet) next() byte {
	if len(f.fails) == 0 {
		return 0
	}
	b := f.fails[0]
	f.fails = f.fails[1:]
	return b
}

// crash ends the process as a kill does: nothing of it runs any more.
func (f *fleet) crash() { panic(errKilled) }

func (f *fleet) edges() release.Edges {
	return release.Edges{
		Put: func(ctx context.Context, i int, side release.Side) (release.Side, error) {
			if err := ctx.Err(); err != nil {
				return release.Unknown, err
			}
			f.posts++
			fault := f.next()
			switch fault {
			case crashBefore:
				f.crash()
			case interrupts:
				f.stop()
			case dies:
				f.dead[i] = true
			case restarts:
				f.runs[i] = release.Unknown
			}
			switch {
			case f.dead[i]:
				return release.Unknown, errors.New("connection refused")
			case fault == postRefused:
				return f.runs[i], errors.New("refused")
			case fault == postCut:
				return release.Unknown, errors.New("no answer in time")
			}
			f.runs[i] = side
			switch fault {
			case crashAfter:
				f.crash()
			case postLost:
				return release.Unknown, errors.New("no answer in time")
			}
			return side, nil
		},
		Smoke: func(context.Context, int) error { return f.watch() },
		Bake:  func(context.Context, release.State, int) error { return f.watch() },
		Hold: func(ctx context.Context) error {
			if f.next() == notHeld {
				return release.ErrNotHeld
			}
			return ctx.Err()
		},
		Save: func(s release.State) error {
			switch f.next() {
			case saveFails:
				return errors.New("no space left on device")
			case crashBefore:
				f.crash()
			}
			text, err := json.Marshal(s)
			f.saved = text
			return err
		},
		Say: func(release.Step) {},
	}
}

func (f *fleet) watch() error {
	switch f.next() {
	case worse:
		return errors.New("answers 500")
	case crashBefore, crashAfter:
		f.crash()
	case interrupts:
		f.stop()
	}
	return nil
}

// process runs a release until it ends or is killed.
func (f *fleet) process(t *testing.T, s release.State) (end release.State, err error) {
	defer func() {
		if v := recover(); v != nil {
			if v != any(errKilled) {
				panic(v)
			}
			err = errKilled
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	f.stop = cancel
	return release.Run(ctx, s, f.edges())
}

// untilDone starts the process again until it ends.
func (f *fleet) untilDone(t *testing.T) (release.State, error) {
	names := make([]string, len(f.runs))
	for i := range names {
		f.runs[i], names[i] = release.Before, fmt.Sprint("replica-", i)
	}
	s := release.New(names, 1)
	for {
		end, err := f.process(t, s)
		if !errors.Is(err, errKilled) {
			return end, err
		}
		if f.saved != nil {
			var last release.State
			if err := json.Unmarshal(f.saved, &last); err != nil {
				t.Fatal(err)
			}
			s = last.Resume()
		}
	}
}

// check is what holds however a release went.
func check(t *testing.T, script []byte, f *fleet, end release.State, err error) {
	t.Helper()
	if errors.Is(err, release.ErrNotHeld) {
		return // whoever has the lock now decides
	}
	anyDead := false
	for i, r := range end.Replicas {
		anyDead = anyDead || f.dead[i]
		switch {
		case f.dead[i]:
			if r.Runs == release.After || r.Runs == release.Before && end.Phase == release.TakingBack && r.Err == "" {
				continue // it died when nobody asked it any more
			}
		case r.Runs != f.runs[i]:
			t.Fatalf("%v: replica %d runs %s, the report says %s (%+v)", script, i, f.runs[i], r.Runs, end)
		case r.Runs == release.Unknown:
			t.Fatalf("%v: replica %d lives and is on neither config (%+v)", script, i, end)
		case r.Runs != end.Replicas[0].Runs && !anyOf(f.dead):
			t.Fatalf("%v: replicas run different configs (%+v)", script, end)
		}
	}
	if outcome := end.Outcome(); !anyDead && outcome == release.Mixed || outcome == release.TakenBack && end.Why == "" {
		t.Fatalf("%v: outcome %s (%+v)", script, outcome, end)
	}
}

func anyOf(list []bool) bool {
	for _, b := range list {
		if b {
			return true
		}
	}
	return false
}

func runScript(t *testing.T, script []byte, replicas int) {
	t.Helper()
	for i := range script {
		script[i] %= faults
	}
	synctest.Test(t, func(t *testing.T) {
		f := &fleet{runs: make([]release.Side, replicas), dead: make([]bool, replicas), fails: script}
		end, err := f.untilDone(t)
		check(t, script, f, end, err)
	})
}

// TestEveryFailureAtEveryStep has each thing go wrong at each step, and two at any two.
func TestEveryFailureAtEveryStep(t *testing.T) {
	t.Parallel()
	const steps = 26
	apart := 8 // from the first failure to the second, in steps, at most
	if testing.Short() {
		apart = 2
	}
	for at := range steps {
		for fault := byte(1); fault < faults; fault++ {
			script := make([]byte, at+1)
			script[at] = fault
			runScript(t, script, 3)
			for second := range apart {
				for another := byte(1); another < faults; another++ {
					runScript(t, append(append(append([]byte{}, script...), make([]byte, second)...), another), 3)
				}
			}
		}
	}
}

// TestFailuresAtRandom has many things go wrong.
func TestFailuresAtRandom(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(20, 26))
	rounds := 3000
	if testing.Short() {
		rounds = 300
	}
	for range rounds {
		script := make([]byte, 60)
		for i := range script {
			if random.IntN(3) == 0 {
				script[i] = byte(random.IntN(faults))
			}
		}
		runScript(t, script, 1+random.IntN(6))
	}
}

func FuzzRelease(f *testing.F) {
	f.Add([]byte{0, 0, 0, crashAfter, restarts}, 3)
	f.Fuzz(func(t *testing.T, script []byte, replicas int) {
		if replicas < 1 || replicas > 8 || len(script) > 200 {
			t.Skip()
		}
		runScript(t, script, replicas)
	})
}

// TestRun: a good release, and what each kind of failure ends with.
func TestRun(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		script  []byte
		outcome release.Outcome
		why     string
	}{
		{"all is well", nil, release.Applied, ""},
		{"the first replica refuses it", []byte{0, 0, postRefused}, release.TakenBack, "replica-0: refused"},
		{"its answer is lost", []byte{0, 0, postLost}, release.TakenBack, "replica-0: no answer in time"},
		{"the smoke requests fail", []byte{0, 0, 0, 0, worse}, release.TakenBack, "replica-0: smoke requests: answers 500"},
		{"the bake is worse", []byte{0, 0, 0, 0, 0, 0, worse}, release.TakenBack, "answers 500"},
		{"told to stop in the bake", []byte{0, 0, 0, 0, 0, 0, interrupts}, release.TakenBack, "it was told to stop"},
		{"killed in the bake", []byte{0, 0, 0, 0, 0, 0, crashAfter}, release.TakenBack, "its process ended before it was done"},
		{"a replica dies and stays away", []byte{0, 0, dies}, release.Mixed, "replica-0: connection refused"},
		{"nothing can be written down", []byte{saveFails}, release.TakenBack, "write down the release: no space left on device"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fleet{runs: make([]release.Side, 3), dead: make([]bool, 3), fails: tt.script}
				end, err := f.untilDone(t)
				if end.Outcome() != tt.outcome || end.Why != tt.why {
					t.Errorf("outcome %s, why %q, error %v, want %s, %q", end.Outcome(), end.Why, err, tt.outcome, tt.why)
				}
			})
		})
	}
}

// TestResume: a release of which all was written down but its end is finished.
func TestResume(t *testing.T) {
	t.Parallel()
	f := &fleet{runs: make([]release.Side, 3), dead: make([]bool, 3)}
	if end, err := f.untilDone(t); err != nil || end.Outcome() != release.Applied {
		t.Fatalf("outcome %s, error %v", end.Outcome(), err)
	}
	var last release.State
	if err := json.Unmarshal(f.saved, &last); err != nil {
		t.Fatal(err)
	}
	posts := f.posts
	if end, err := release.Run(t.Context(), last.Resume(), f.edges()); err != nil || end.Outcome() != release.Applied || f.posts != posts {
		t.Errorf("outcome %s, error %v, %d more posts", end.Outcome(), err, f.posts-posts)
	}
}

// TestNotHeld: who may not post any more posts nothing, and says of no replica what it
// does not know.
func TestNotHeld(t *testing.T) {
	t.Parallel()
	f := &fleet{runs: make([]release.Side, 3), dead: make([]bool, 3), fails: []byte{0, 0, 0, 0, 0, 0, 0, 0, notHeld}}
	end, err := f.untilDone(t)
	if !errors.Is(err, release.ErrNotHeld) || f.posts != 1 || end.Replicas[0].Runs != release.After || end.Replicas[1].Runs != release.Before {
		t.Errorf("error %v, %d posts, state %+v", err, f.posts, end)
	}
}

// TestWithoutSmoke: nothing is said of requests that nobody sends.
func TestWithoutSmoke(t *testing.T) {
	t.Parallel()
	f := &fleet{runs: make([]release.Side, 3), dead: make([]bool, 3)}
	e := f.edges()
	e.Smoke = nil
	e.Say = func(step release.Step) {
		if step.Action.Kind == release.Smoke {
			t.Error("smoke requests are told of")
		}
	}
	if end, err := release.Run(t.Context(), release.New([]string{"a", "b", "c"}, 1), e); err != nil || end.Outcome() != release.Applied {
		t.Errorf("outcome %s, error %v", end.Outcome(), err)
	}
}

// TestWaves: each has twice as many replicas as the one before it, and each replica is in
// one of them.
func TestWaves(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		replicas, canary int
		want             string
	}{{1, 1, "1"}, {3, 1, "1 2"}, {7, 1, "1 2 4"}, {8, 1, "1 2 4 1"}, {3, 5, "3"}, {9, 2, "2 4 3"}} {
		s := release.New(make([]string, tt.replicas), tt.canary)
		var sizes []string
		for _, w := range s.Waves {
			sizes = append(sizes, fmt.Sprint(len(w.Replicas)))
		}
		if got := strings.Join(sizes, " "); got != tt.want {
			t.Errorf("%d replicas, canary %d: waves of %s, want %s", tt.replicas, tt.canary, got, tt.want)
		}
	}
}
