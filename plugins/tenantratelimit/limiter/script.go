package limiter

import (
	_ "embed"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed script.lua
var scriptText string

//go:embed takeback.lua
var takeBackText string

// script is a text that Redis runs, and what it knows the text by.
type script struct{ text, sha string }

func newScript(text string) script { return script{text, redis.NewScript(text).Hash()} }

// argsPerDescriptor is DESCRIPTOR in script.lua.
const argsPerDescriptor = 6

// wire are the arguments of a limit to the script that never change. They are kept as
// interfaces, so that a request allocates none of them.
type wire struct{ kind, quota, a, b any }

// blockedLetter is the kind of a limit of 0 in the script, whatever its algorithm. Keys
// have the algorithm's letter.
const blockedLetter = 'n'

// wireArgs makes them. A shadow's kind is a capital.
func wireArgs(s Spec, m meter) wire {
	letter := letters[s.Algorithm]
	if s.Quota == 0 {
		letter = blockedLetter
	}
	if s.Shadow {
		letter -= 'a' - 'A'
	}
	w := wire{kind: string(letter), quota: text(s.Quota), a: text(s.Window.Microseconds()), b: "0"}
	switch m := m.(type) {
	case bucket:
		w.quota, w.a, w.b = text(m.burst), text(m.unit), text(m.drain)
	case sliding:
		w.a = text(m.slice)
	case blocked:
		w.a = text(blockedWait.Microseconds())
	}
	return w
}

func text(n int64) string { return strconv.FormatInt(n, 10) }

// third is the script's argument a, which for a calendar depends on the time.
func (l *Limit) third(now time.Time) any {
	if l.Algorithm == Calendar && !l.Blocks() {
		return l.calendar.edges(now)
	}
	return l.wire.a
}

// appendDescriptor adds the six script arguments of a descriptor.
func appendDescriptor(args []any, d *Descriptor, now time.Time) []any {
	w := &d.Limit.wire
	return append(args, w.kind, units(d.Cost), units(d.More), w.quota, d.Limit.third(now), w.b)
}

// small are the numbers that most descriptors cost, kept as interfaces.
var small = func() (list [64]any) {
	for i := range list {
		list[i] = strconv.Itoa(i)
	}
	return list
}()

func units(n int64) any {
	if n >= 0 && n < int64(len(small)) {
		return small[n]
	}
	return text(n)
}
