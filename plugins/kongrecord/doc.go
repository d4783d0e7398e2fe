// Package kongrecord reads what Kong's log serializer tells of a request that is over,
// and the notes in it. A note is a log field that one plugin writes in an earlier phase
// and another's log phase reads, so that neither has to know the other.
package kongrecord
