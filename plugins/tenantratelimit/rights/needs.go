package rights

import (
	"slices"
	"strings"
)

// need is a command that the limiter runs.
type need struct {
	command string
	// try are its arguments where it changes nothing: it reads, or asks for what is not
	// there, or is refused as wrong after the server has looked at the user's rights.
	try []any
	// lost is what does not work without it.
	lost string
}

// What is lost without a right.
const (
	noCounts   = "nothing is counted in Redis: every request is decided as on_redis_error says"
	noScripts  = "nothing is counted once a server has forgotten the scripts, as after a restart"
	noFollow   = "nodes do not count each other, nothing is observed or given back, once a server has forgotten the scripts"
	noGet      = "overrides for everybody are ignored, and no charge is given back"
	noNodes    = "nodes do not count each other, so that their local shares are wrong"
	noLeaving  = "a node that ended counts for five seconds more"
	noObserved = "nothing is observed for gatehouse limits advise"
	noInfo     = "nobody warns where Redis may evict counters"
	noWait     = "wait_replicas takes every charge for unconfirmed: every request is decided as on_redis_error says"
)

// probeKey is the key of no counter, below the prefix.
const probeKey = ":{rights}"

// needs are what every node runs, in the order of the documents.
func needs(prefix string) []need {
	key := prefix + probeKey
	return []need{
		{"evalsha", []any{strings.Repeat("0", 40), 1, key}, noCounts}, // no script has this name
		{"eval", []any{"return 1", 1, key}, noFollow},
		{"script|load", []any{"return 1"}, noScripts},
		{"mget", []any{key}, noCounts},
		{"get", []any{key}, noGet},
		{"set", []any{key, "", "XX", "PX", 1}, noCounts},
		{"time", nil, noCounts},
		{"zadd", []any{key, "XX", 0, ""}, noNodes},
		{"zremrangebyscore", []any{key, 0, 0}, noNodes},
		{"zcard", []any{key}, noNodes},
		{"zrem", []any{key, ""}, noLeaving},
		{"pexpire", []any{key, 1}, noNodes},
		{"hincrby", []any{key, "", "no number"}, noObserved},
		{"hdel", []any{key, ""}, noObserved},
		{"hget", []any{key, ""}, noObserved},
		{"hset", []any{key, "", "", "a field without a value"}, noObserved},
		{"expireat", []any{key, 1}, noObserved},
		{"info", nil, noInfo},
	}
}

// waits is what a node runs besides where a config has wait_replicas.
var waits = need{"wait", []any{0, 0}, noWait}

// words are the command as it is sent.
func (n need) words() []any {
	name, sub, ok := strings.Cut(n.command, "|")
	words := []any{name}
	if ok {
		words = append(words, sub)
	}
	return append(words, n.try...)
}

// Grant is the ACL rule for all that nodes run, in a Cluster and with wait_replicas too.
func Grant(prefix string) string {
	rule := []string{"~" + prefix + ":*", "+@connection"}
	for _, n := range append(needs(prefix), waits) {
		rule = append(rule, "+"+n.command)
	}
	return strings.Join(append(rule, "+cluster|slots"), " ")
}

// Lost is what does not work where these are refused, each thing once.
func Lost(refused ...Refusal) string {
	var list []string
	add := func(text string) {
		if text != "" && !slices.Contains(list, text) {
			list = append(list, text)
		}
	}
	for _, r := range refused {
		if r.Of == OfKey {
			add(noCounts)
		}
		add(lost(r.Command))
	}
	return strings.Join(list, "; ")
}

func lost(command string) string {
	for _, n := range append(needs(""), waits) {
		if n.command == command {
			return n.lost
		}
	}
	return ""
}
