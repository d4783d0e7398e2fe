// Package configcheck says what is wrong with a declarative config before Kong reads it.
//
// Of our plugins' configs: what Kong would refuse, by the plugins' own schemas, and what it
// would accept and the plugin server would find, such as a day that does not exist or a plan
// that is not defined. Of the gateway: what Kong says nothing of, such as a route without
// authentication, a plugin that another one takes the place of, or a target that stays out.
//
// Each kind of mistake is a rule, a line of one table ([Rules]): its name, its severity and a
// function of the config alone. Time, environment and contracts are passed in.
package configcheck
