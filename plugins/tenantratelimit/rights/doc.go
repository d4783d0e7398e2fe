// Package rights knows what a Redis has to let its user do: it asks without changing
// anything, reads what a server refuses, and says what does not work without it.
package rights
