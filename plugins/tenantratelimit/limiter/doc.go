// Package limiter counts requests against limits, in Redis and, while Redis does not
// answer, in this process. It knows no HTTP and no Kong: descriptors go in, a verdict
// comes out.
//
// The same four algorithms exist twice, in Go (meter.go) and in one Redis script
// (script.lua), and tests hold the two to the same answers. Every number is a whole
// number of microseconds or units below 2^53, so that Lua's doubles count exactly.
//
// # From a request to Redis and back
//
//	Leased.Take    serves what it can from blocks that were taken in advance
//	Redis.Take     makes the rest a call; in a Cluster, one call for each slot
//	batcher        sends the call, together with those that waited meanwhile
//	script.lua     decides all calls of a run, one after the other
//	masters        knows the batcher to the server that has a slot; topology reads
//	               where slots are again while a server fails
//	Local.hear     remembers what Redis said, for the time when it says nothing
//	Local.Take     decides where a request is Offline: Redis failed or was too late
//	Redis.settle   charges in Redis what Local admitted, when Redis is back
//
// # Goroutines
//
// A batcher starts one goroutine for each batch in flight, at most two for each Redis
// server; once it is busy, idle ones stay for the next batch. [Redis.Close] ends those,
// and gives up the answers that are still out.
//
// The task that settles starts when the first counter is decided without Redis, and
// runs four times a second. [Redis.Close] and [Redis.HandOver] stop it.
//
// Each charge that is given back has a goroutine that lives for a second at most.
// [Redis.Close] waits for them.
//
// The task that reads a Cluster's slots again starts with the first request, and looks
// four times a second whether there is reason to. [Redis.Close] stops it. [Leased], [Local],
// [Refusals] and [Breaker] have no goroutine.
package limiter
