// Package usage records how much was asked for, so that limits can be chosen
// by what they would have denied.
//
// What is counted are units in windows of a minute, across all nodes: of each
// group (a tenant, a route, everybody), and within a tenant of each user and
// each route. Of each group Redis keeps not the windows but a distribution: how
// many windows had how many units. Its steps are exact up to 16 units and an
// eighth of their size beyond, and each keeps the sum of what is in it. So for a
// limit that is the end of a step, what it would have denied is known exactly.
//
// A group costs Redis a kilobyte or so for each thirty days, and a node one
// script call for each group that was seen, every ten seconds. Requests wait for
// nothing.
//
// Of each credential it is remembered when it was last used, so that one which is to be
// dropped can be known to be out of use.
//
// A [Recorder] has one goroutine, which writes. It starts with [Recorder.Start], and
// [Recorder.Close] stops it and writes what is left.
package usage
