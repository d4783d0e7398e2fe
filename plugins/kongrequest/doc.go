// Package kongrequest reads what Kong knows of a request, each fact once.
//
// A call to Kong costs the gateway's worker 9 to 15 µs, more than most of what a
// plugin does with the answer. So an [Event] remembers what it was told, for all
// plugins that share it, and gets a request's nginx variables all in one call
// where nginx defines the composite variable of [Include]. Where it does not,
// the Event asks for the single variables that its callers want.
package kongrequest
