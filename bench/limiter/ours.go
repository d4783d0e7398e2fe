package limiter

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gatehousehq/gatehouse/bench/ratio"
	"github.com/gatehousehq/gatehouse/internal/redisurl"
	"github.com/gatehousehq/gatehouse/plugins/identity"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/limiter"
	"github.com/gatehousehq/gatehouse/plugins/tenantratelimit/quota"
)

// fourLimits are those that the peers keep too: the tenant's, the user's, the
// tenant's on the route, and everybody's, none of which is ever used up.
const fourLimits = `{"limits":[
	{"name":"tenant","scope":["tenant"],"limit":1000000000,"window_seconds":60},
	{"name":"user","scope":["user"],"limit":1000000000,"window_seconds":60},
	{"name":"route","scope":["tenant","route"],"limit":1000000000,"window_seconds":60},
	{"name":"global","scope":["global"],"limit":1000000000,"window_seconds":60}],
	"redis":{"timeout_ms":1000},"on_redis_error":"deny"}`

// ours is the plugin without Kong.
type ours struct {
	url     string
	counted *counter
	runtime *tenantratelimit.Runtime
	four    *tenantratelimit.Limiter
}

func newOurs(url string) (*ours, error) {
	o := &ours{url: url, counted: &counter{}}
	var err error
	o.runtime, err = tenantratelimit.NewRuntime(tenantratelimit.Options{
		RedisURL: url, Logger: slog.New(slog.DiscardHandler), Open: o.counted.open,
	})
	if err != nil {
		return nil, fmt.Errorf("make the limiter: %w", err)
	}
	o.four, err = provision(o.runtime, fourLimits)
	return o, err
}

func (o *ours) close() error { return o.runtime.Close(context.Background()) }

func provision(r *tenantratelimit.Runtime, text string) (*tenantratelimit.Limiter, error) {
	c := r.New().(*tenantratelimit.Config)
	if err := json.Unmarshal([]byte(text), c); err != nil {
		return nil, fmt.Errorf("read the limits: %w", err)
	}
	if err := c.Provision(); err != nil {
		return nil, fmt.Errorf("prepare the limits: %w", err)
	}
	return c.Limiter(), nil
}

// request is one of a user of a tenant, with a token that Kong has verified.
func request(n int) quota.Request {
	payload := fmt.Sprintf(`{"tenant":"t%d","sub":"u%d"}`, n%10, n%users)
	return quota.Request{
		Evidence: identity.Evidence{Token: identity.ReadToken("e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".c2ln")},
		Method:   "GET", RouteID: "r1", RouteName: "orders", ServiceID: "s1",
	}
}

var requests = func() []quota.Request {
	list := make([]quota.Request, users)
	for i := range list {
		list[i] = request(i)
	}
	return list
}()

func (o *ours) decide(ctx context.Context, n int) error {
	if d := o.four.Decide(ctx, requests[n%users]); !d.Allowed() {
		return fmt.Errorf("a request was answered %d", d.Status)
	}
	return nil
}

// countersPerSecond asks the store, as [ours.perSecond] does, for counters that
// are named already.
func (o *ours) countersPerSecond(ctx context.Context) (float64, error) {
	client, err := redisurl.Open(o.url)
	if err != nil {
		return 0, fmt.Errorf("open redis: %w", err)
	}
	defer client.Close()
	store := limiter.NewRedis(client, limiter.RedisOptions{})
	counters, err := fourCounters()
	if err != nil {
		return 0, err
	}
	return perSecond(ctx, func(ctx context.Context, n int) error {
		v, err := store.Take(ctx, limiter.Request{Descriptors: counters[n%users]})
		if err == nil && !v.Allowed {
			err = errors.New("the store denies")
		}
		return err
	})
}

// fourCounters are the descriptors of each user.
func fourCounters() (list [users][]limiter.Descriptor, err error) {
	limit, err := limiter.Compile(limiter.Spec{Name: "limit", Algorithm: limiter.TokenBucket, Quota: limiter.MaxQuota, Window: time.Minute})
	if err != nil {
		return list, fmt.Errorf("make the limit: %w", err)
	}
	for n := range list {
		tenant := fmt.Sprintf("counters:{t%d}", n%10)
		for _, key := range []string{tenant, tenant + fmt.Sprint(":u", n), tenant + ":r1", "counters:{global}"} {
			list[n] = append(list[n], limiter.Descriptor{Limit: limit, Key: key, Cost: 1})
		}
	}
	return list, nil
}

func (o *ours) perSecond(ctx context.Context) (float64, error) { return perSecond(ctx, o.decide) }

func (o *ours) rows(client *redis.Client) []ratio.Row {
	return []ratio.Row{
		{What: "Redis round trips for 1, 2, 4 and 8 limits, the most", Unit: "trips", Ours: o.mostTrips, Target: 1, AtMost: true},
		{What: "Redis calls of 1,000 requests known to be over a limit", Unit: "calls", Ours: o.callsOfRefused, Target: 0, AtMost: true},
		{
			What: "own CPU of a decision on 4 limits, Redis aside", Peer: "PING round trip", Unit: "µs",
			Ours: o.cpu, Base: func(ctx context.Context) (float64, error) { return ping(ctx, client) },
			Target: 0.1, AtMost: true,
		},
	}
}

// mostTrips asks for more and more limits and counts.
func (o *ours) mostTrips(ctx context.Context) (float64, error) {
	most := 0.0
	for _, n := range []int{1, 2, 4, 8} {
		text := `{"observe":false,"nodes":1,"redis":{"timeout_ms":1000},"on_redis_error":"deny","limits":[`
		for i := range n {
			if i > 0 {
				text += ","
			}
			text += fmt.Sprintf(`{"name":"l%d","scope":["user"],"limit":1000000,"window_seconds":60}`, i)
		}
		c, err := provision(o.runtime, text+`]}`)
		if err != nil {
			return 0, err
		}
		before := o.counted.scripts.Load()
		const asked = 10
		for i := range asked {
			if d := c.Decide(ctx, requests[i]); !d.Allowed() {
				return 0, fmt.Errorf("a request was answered %d", d.Status)
			}
		}
		most = max(most, float64(o.counted.scripts.Load()-before)/asked)
	}
	return most, nil
}

// callsOfRefused counts what is asked of Redis for a user over a limit.
func (o *ours) callsOfRefused(ctx context.Context) (float64, error) {
	name := fmt.Sprint("once-", time.Now().UnixNano())
	c, err := provision(o.runtime, `{"limits":[{"name":"`+name+`","scope":["user"],"limit":1,"window_seconds":3600}],"redis":{"timeout_ms":1000}}`)
	if err != nil {
		return 0, err
	}
	c.Decide(ctx, requests[0])
	if d := c.Decide(ctx, requests[0]); d.Allowed() {
		return 0, errors.New("the second request was let through")
	}
	before := o.counted.scripts.Load()
	for range 1000 {
		if d := c.Decide(ctx, requests[0]); d.Allowed() {
			return 0, errors.New("a request over the limit was let through")
		}
	}
	return float64(o.counted.scripts.Load() - before), nil
}

// cpu is what this process used for a decision whose script call is answered
// before it is sent, in microseconds.
func (o *ours) cpu(ctx context.Context) (float64, error) {
	o.counted.answers.Store(true)
	defer o.counted.answers.Store(false)
	before, err := ratio.CPUTime()
	if err != nil {
		return 0, err
	}
	for n := range decisions {
		if err := o.decide(ctx, n); err != nil {
			return 0, err
		}
	}
	after, err := ratio.CPUTime()
	return float64((after - before).Nanoseconds()) / decisions / 1000, err
}

// ping is the mean of PINGs one after the other, in microseconds.
func ping(ctx context.Context, client *redis.Client) (float64, error) {
	began := time.Now()
	for range pings {
		if err := client.Ping(ctx).Err(); err != nil {
			return 0, fmt.Errorf("ping redis: %w", err)
		}
	}
	return float64(time.Since(began).Nanoseconds()) / pings / 1000, nil
}
