package callers

import (
	"strconv"
	"strings"
	"time"

	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

// letters are the stages as Redis has them, in one letter each: a day's counts stay as
// short as a small hash has them.
var letters = map[lifecycle.Stage]byte{
	lifecycle.StageAnnounced: 'a', lifecycle.StageDeprecated: 'd', lifecycle.StageBrownout: 'b',
	lifecycle.StageExempt: 'e', lifecycle.StageOverdue: 'o', lifecycle.StageGone: 'g',
	lifecycle.StageRedirected: 'r', lifecycle.StageDegraded: 'x',
	lifecycle.StageDryBrownout: 'B', lifecycle.StageDryGone: 'G', lifecycle.StageDryRedirected: 'R',
}

// stages are the stages by their letters.
var stages = func() map[byte]lifecycle.Stage {
	by := make(map[byte]lifecycle.Stage, len(letters))
	for stage, letter := range letters {
		by[letter] = stage
	}
	return by
}()

// Counts are calls by what became of them.
type Counts map[lifecycle.Stage]int64

// text is the counts as Redis has them, such as d12b3.
func (c Counts) text() string {
	var b strings.Builder
	for stage, n := range c {
		b.WriteByte(letters[stage])
		b.WriteString(strconv.FormatInt(n, 10))
	}
	return b.String()
}

// parseCounts reads what text wrote. What is none is left out.
func parseCounts(text string) Counts {
	c := Counts{}
	for len(text) > 0 {
		end := 1
		for end < len(text) && text[end] >= '0' && text[end] <= '9' {
			end++
		}
		stage, known := stages[text[0]]
		if n, err := strconv.ParseInt(text[1:end], 10, 64); known && err == nil {
			c[stage] = n
		}
		text = text[end:]
	}
	return c
}

// dayOf is a moment's day in UTC, such as 20270630.
func dayOf(at time.Time) string { return at.UTC().Format(dayForm) }

const dayForm = "20060102"

// Bounds of one caller, between two writes and in Redis alike.
const (
	maxAgents = 8
	maxDays   = 90
)

// tally is what one node saw of one caller on one route since it wrote last.
type tally struct {
	first, last int64 // Unix seconds
	// end is when the version ends for this caller, in Unix seconds; 0 if it does not.
	end    int64
	days   map[string]Counts
	agents map[string]struct{}
}

func newTally(at int64) *tally {
	return &tally{first: at, last: at, days: map[string]Counts{}, agents: map[string]struct{}{}}
}

// count adds calls of a day, and reports whether there was room.
func (t *tally) count(day string, stage lifecycle.Stage, n int64) bool {
	counts := t.days[day]
	if counts == nil {
		if len(t.days) >= maxDays {
			return false
		}
		counts = Counts{}
		t.days[day] = counts
	}
	counts[stage] += n
	return true
}

// saw adds a call's time and what its client says it is.
func (t *tally) saw(at int64, agent string) {
	t.first, t.last = min(t.first, at), max(t.last, at)
	if agent != "" && len(t.agents) < maxAgents {
		t.agents[agent] = struct{}{}
	}
}

// merge adds an earlier tally that could not be written, and says how many calls there was
// no room for.
func (t *tally) merge(earlier *tally) (lost int64) {
	t.first, t.last = min(t.first, earlier.first), max(t.last, earlier.last)
	for agent := range earlier.agents {
		t.saw(t.last, agent)
	}
	for day, counts := range earlier.days {
		for stage, n := range counts {
			if !t.count(day, stage, n) {
				lost += n
			}
		}
	}
	return lost
}

// calls are all that were counted.
func (t *tally) calls() (n int64) {
	for _, counts := range t.days {
		for _, more := range counts {
			n += more
		}
	}
	return n
}
