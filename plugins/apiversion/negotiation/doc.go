// Package negotiation chooses the version of an API that a request gets, by what its client
// accepts (RFC 9110, section 12). It decides from values and returns values.
package negotiation
