// Package membership tells the nodes of one deployment how many they are, and brings
// each the overrides that all of them have to know: twice a second, in the background.
//
// A node is a member as long as it sends heartbeats to Redis (heartbeat.lua). While
// Redis fails, a node goes by what it last heard.
//
// A [Member] has one goroutine, which sends the heartbeats. It starts with
// [Member.Start], and [Member.Close] stops it and takes the node out of the count.
package membership
