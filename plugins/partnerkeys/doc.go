// Package partnerkeys issues, rotates and drops the API keys of partners.
//
// The keys are a [Set] of values, which an overlay of kong.yaml holds as
// keyauth_credentials of consumers. What Kong has no field for is in their tags: when a
// key was made, when its overlap is over, and which one it replaces. Kong looks at none of
// that: a key opens the door until it is out of the config. [Usage] says whether one may
// be taken out.
//
// Kong's key-auth keeps keys as they are, and so does the overlay; [File] keeps that from
// others.
package partnerkeys
