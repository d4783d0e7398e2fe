package rights

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/internal/redistest"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text, sent string
		want       Refusal
		is         bool
	}{
		{"NOPERM this user has no permissions to run the 'get' command or its subcommand", "get", Refusal{"get", OfCommand}, true},
		{"NOPERM this user has no permissions to run the 'script|load' command", "script", Refusal{"script|load", OfCommand}, true},
		{"NOPERM User limiter has no permissions to run the 'mget' command", "evalsha", Refusal{"mget", OfCommand}, true},
		{"NOPERM this user has no permissions to access one of the keys used as arguments", "SET", Refusal{"set", OfKey}, true},
		{"NOPERM No permissions to access a key", "get", Refusal{"get", OfKey}, true},
		{"NOPERM this user has no permissions to access one of the channels used as arguments", "subscribe", Refusal{"subscribe", OfChannel}, true},
		{"NOPERM No permissions to access a channel", "subscribe", Refusal{"subscribe", OfChannel}, true},
		{"ERR The user executing the script can't run this command or subcommand script: 8325, on @user_script:1.", "evalsha", Refusal{"evalsha", OfScript}, true},
		{"ERR The user executing the script can't access at least one of the keys mentioned in the command arguments script: aed6", "evalsha", Refusal{"evalsha", OfKey}, true},
		{"NOPERM ACL failure in script: User u has no permissions to run the 'zadd' command script: 1, on @user_script:1.", "evalsha", Refusal{"zadd", OfCommand}, true},
		{"ERR ACL failure in script: User u has no permissions to run the 'mget' command script: 8325, on @user_script:1.", "evalsha", Refusal{"mget", OfCommand}, true},
		{"ERR ACL failure in script: No permissions to access a key script: aed6, on @user_script:1.", "evalsha", Refusal{"evalsha", OfKey}, true},
		{"NOAUTH Authentication required.", "get", Refusal{}, false},
		{"ERR unknown command 'noperm'", "get", Refusal{}, false},
		{"redis: nil", "get", Refusal{}, false},
	} {
		if got, is := Parse(errors.New(tt.text), tt.sent); got != tt.want || is != tt.is {
			t.Errorf("%s: %v %v, want %v", tt.text, got, is, tt.want)
		}
	}
	if _, is := Parse(nil, "get"); is {
		t.Error("no error is taken for a refusal")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("NOPERM this user has no permissions to run the 'get' command", "GET")
	f.Fuzz(func(t *testing.T, text, sent string) {
		r, is := Parse(errors.New(text), sent)
		if is && r.Of != OfCommand && r.Of != OfKey && r.Of != OfChannel || !is && r != (Refusal{}) {
			t.Errorf("%v %v", r, is)
		}
	})
}

// limited is a server whose user limiter has the rights, and clients of the user and of
// who may do all.
func limited(t *testing.T, rule ...string) (user, all *redis.Client) {
	t.Helper()
	url := redistest.Start(t)
	all = redistest.Client(t, url)
	grant(t, all, rule...)
	return redistest.Client(t, strings.Replace(url, "unix://", "unix://limiter:secret@", 1)), all
}

func grant(t *testing.T, all *redis.Client, rule ...string) {
	t.Helper()
	args := []any{"acl", "setuser", "limiter", "reset", "on", ">secret"}
	for _, word := range rule {
		args = append(args, word)
	}
	if err := all.Do(t.Context(), args...).Err(); err != nil {
		t.Fatal(err)
	}
}

func words(rule string) []string { return strings.Fields(rule) }

// TestProbe: of each command that is taken away, the probe says which it is, and it
// changes nothing.
func TestProbe(t *testing.T) {
	t.Parallel()
	user, all := limited(t, words(Grant("gatehouse"))...)
	changed := func() string {
		return all.InfoMap(t.Context(), "persistence").Item("Persistence", "rdb_changes_since_last_save")
	}
	before := changed()
	if missing := probeNow(t, user, "gatehouse"); len(missing) > 0 {
		t.Errorf("with all rights, it misses %v", missing)
	}
	for _, n := range append(needs(""), waits) {
		grant(t, all, append(words(Grant("gatehouse")), "-"+n.command)...)
		if missing := probeNow(t, user, "gatehouse"); missing.Commands() != n.command || missing.Keys() || Lost(missing...) != n.lost {
			t.Errorf("without %s it misses %q, keys %v, and loses %q", n.command, missing.Commands(), missing.Keys(), Lost(missing...))
		}
	}
	grant(t, all, words(Grant("gatehouse"))...)
	if missing := probeNow(t, user, "another"); missing.Commands() != "" || !missing.Keys() || Lost(missing...) == "" {
		t.Errorf("of keys that the user may not touch it says %v", missing)
	}
	if size := all.DBSize(t.Context()).Val(); size != 0 || changed() != before {
		t.Errorf("the probes leave %d keys, and %s changes after %s", size, changed(), before)
	}
}

func probeNow(t *testing.T, client redis.UniversalClient, prefix string) Missing {
	t.Helper()
	missing, err := Probe(t.Context(), client, prefix, true)
	if err != nil {
		t.Fatal(err)
	}
	return missing
}

func TestProbeOfCluster(t *testing.T) {
	t.Parallel()
	nodes := redistest.Cluster(t, 3)
	grant(t, nodes[2].Client(), append(words(Grant("gatehouse")), "-zadd")...)
	for _, node := range nodes[:2] {
		grant(t, node.Client(), words(Grant("gatehouse"))...)
	}
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{nodes[0].Addr}, Username: "limiter", Password: "secret", Protocol: 2})
	defer client.Close()
	if missing := probeNow(t, client, "gatehouse"); missing.Commands() != "zadd" {
		t.Errorf("it misses %v, want zadd, which one master refuses", missing)
	}
}

func TestProbeOfNobody(t *testing.T) {
	t.Parallel()
	client := redistest.Client(t, "redis://127.0.0.1:1")
	if missing, err := Probe(t.Context(), client, "gatehouse", false); err == nil || len(missing) > 0 {
		t.Errorf("missing %v, error %v", missing, err)
	}
}

// TestWatch: every refusal is told, alone, in a pipeline and in a script, and none that
// a probe meets.
func TestWatch(t *testing.T) {
	t.Parallel()
	user, _ := limited(t, "~gatehouse:*", "+@connection", "+eval", "+set")
	var mu sync.Mutex
	var told []Refusal
	Watch(user, func(r Refusal) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, r)
	})
	ctx := context.Background()
	probeNow(t, user, "gatehouse")
	user.Get(ctx, "gatehouse:x")
	user.Set(ctx, "elsewhere", "", 0)
	_, _ = user.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, "gatehouse:x", "", 0)
		p.ZCard(ctx, "gatehouse:x")
		return nil
	})
	user.Eval(ctx, "return redis.call('MGET', KEYS[1])", []string{"gatehouse:x"})
	want := []Refusal{{"get", OfCommand}, {"set", OfKey}, {"zcard", OfCommand}}
	if len(told) != 4 || told[0] != want[0] || told[1] != want[1] || told[2] != want[2] || told[3].Of != OfCommand && told[3].Of != OfScript {
		t.Errorf("told %v, want %v and the script's", told, want)
	}
}

// TestDocumentedRights: what the documents tell operators to grant is what is needed.
func TestDocumentedRights(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/rate-limiting.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "`"+Grant("gatehouse")+"`") {
		t.Errorf("docs/rate-limiting.md does not have `%s`", Grant("gatehouse"))
	}
}
