// Package release puts a config on replicas of a gateway so that it cannot hurt: on a few
// first, watched, then on the rest in waves; and it takes all of it back where anything is
// worse, where a replica does not come up, and where it is told to stop or was killed.
//
// It decides from values. [State] is what is known of one release, and says what is to be
// done next; [Run] does it by [Edges] and has each step written down before it is taken, so
// that whoever finds an unfinished release can take it back.
package release
