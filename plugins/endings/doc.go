// Package endings is what a config says of the API versions that are going to end, and
// what follows for others: who has to be written to, by what is recorded of their calls,
// and a calendar for those who call.
package endings
