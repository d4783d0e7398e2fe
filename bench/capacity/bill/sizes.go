package main

import "math"

// hours are of a month.
const hours = 730

// measured is what `make bench SUITE=capacity` says, for what deploy/kubernetes runs: the four
// plugins apart. docs/capacity.md has the tables that it is from.
type measured struct {
	kong, server, redis float64 // CPU seconds for a million requests
	page                float64 // the same of a BFF, for a million pages
	logged              float64 // bytes of audit record and access line
	kept                float64 // the same, compressed
	counter             float64 // Redis' bytes
}

// size is one of deploy/kubernetes/overlays.
type size struct {
	name     string
	requests float64 // a month
	peak     float64 // times the mean
	tenants  float64 // in a window of the limits
	users    float64 // of each of them

	gateway, bff       autoscaler // there are two BFFs
	kong, server, page container
	redisNode          float64 // USD an hour
}

// autoscaler has the bounds of a HorizontalPodAutoscaler.
type autoscaler struct{ least, most int }

// container has what is requested: CPUs, and GiB.
type container struct{ cpu, memory float64 }

const (
	// utilization is how much of the CPU requested is used before there are more pods.
	utilization = 0.6
	// pages is the share of requests that are pages of a BFF.
	pages = 0.5
	// redisNodes are a primary and a replica.
	redisNodes = 2
	gigabyte   = 1e9
)

// perSecond is the mean of a month.
func (s size) perSecond() float64 { return s.requests / hours / 3600 }

// gatewayPods are how many the autoscaler has for so many requests a second, had it no
// bounds: by the busier container.
func (s size) gatewayPods(perSecond float64, m measured) int {
	return max(podsFor(perSecond*m.kong, s.kong), podsFor(perSecond*m.server, s.server))
}

// bffPods are how many there are of each BFF.
func (s size) bffPods(perSecond float64, m measured) int {
	return podsFor(perSecond*pages/2*m.page, s.page)
}

// podsFor is the pods for so many microseconds of CPU a second.
func podsFor(micros float64, c container) int {
	return int(math.Ceil(micros / 1e6 / (utilization * c.cpu)))
}

// bounded is what the autoscaler makes of it.
func (a autoscaler) bounded(pods int) int { return min(max(pods, a.least), a.most) }

// prices are in USD.
type prices struct {
	cpuHour, gibHour          float64
	balancerHour, balancedGB  float64
	keptGBMonth, ingestedGB   float64
	outGB                     float64
	peakHours                 float64 // of a day
	days                      float64 // that logs are kept
	requestBytes, answerBytes float64
}

// bill is a month's.
type bill struct {
	pods, pagePods   [2]int // at the mean, at the peak
	cores            float64
	redisMiB         float64
	redisShare       float64 // of a core, at the peak
	keptGB, loggedGB float64
	compute, redis   float64 // USD, as are the rest
	balancer, logs   float64
	ingested, out    float64 // not in the sum
}

func (b bill) sum() float64 { return b.compute + b.redis + b.balancer + b.logs }

func reckon(s size, m measured, p prices) bill {
	var b bill
	mean := s.perSecond()
	atPeak := p.peakHours / 24
	for i, rate := range []float64{mean, mean * s.peak} {
		share := []float64{1 - atPeak, atPeak}[i]
		b.pods[i] = s.gateway.bounded(s.gatewayPods(rate, m))
		b.pagePods[i] = s.bff.bounded(s.bffPods(rate, m))
		cpu := float64(b.pods[i])*(s.kong.cpu+s.server.cpu) + 2*float64(b.pagePods[i])*s.page.cpu
		memory := float64(b.pods[i])*(s.kong.memory+s.server.memory) + 2*float64(b.pagePods[i])*s.page.memory
		b.compute += share * hours * (cpu*p.cpuHour + memory*p.gibHour)
	}
	b.cores = mean * s.peak * (m.kong + m.server + m.page*pages) / 1e6
	b.redisMiB = s.tenants * (1 + s.users) * m.counter / (1 << 20)
	b.redisShare = mean * s.peak * m.redis / 1e6
	b.redis = redisNodes * hours * s.redisNode
	b.loggedGB = s.requests * m.logged / gigabyte
	b.keptGB = s.requests * m.kept / gigabyte * p.days / 30
	b.logs = b.keptGB * p.keptGBMonth
	b.balancer = hours*p.balancerHour + s.requests*(p.requestBytes+p.answerBytes)/gigabyte*p.balancedGB
	b.ingested = b.loggedGB * p.ingestedGB
	b.out = s.requests * p.answerBytes / gigabyte * p.outGB
	return b
}
