package configcheck

// Rule looks for one kind of mistake. docs/check.md says of each why it is one.
type Rule struct {
	// Name is what findings and waivers call it; it stays.
	Name     string
	Severity Severity
	// Refused says that Kong refuses what the rule finds. It cannot be waived.
	Refused bool
	// find is nil where reading a config finds it.
	find func(*pass)
	// needs reports whether there is what the rule judges by beside the config; nil if it needs
	// nothing. Without it a waiver of the rule is not unused.
	needs func(*pass) bool
}

// The rules that are found while a config and its waivers are read.
const (
	unreadable      = "unreadable"
	pluginDegraded  = "plugin-degraded"
	pluginWarning   = "plugin-warning"
	lifecyclePolicy = "lifecycle-policy"
	waiverInvalid   = "waiver-invalid"
	waiverUnused    = "waiver-unused"
)

// table is in the order in which a config is looked through. A new rule is a line here, a
// function of the config alone, and its part of docs/check.md.
var table []Rule

func init() { // not where it is declared: waivers look rules up in it
	table = []Rule{
		{Name: unreadable, Severity: Error, Refused: true},
		{Name: "format-version", Severity: Error, Refused: true, find: (*pass).formatVersion},
		{Name: "field-unknown", Severity: Error, find: (*pass).unknownFields},
		{Name: "field-type", Severity: Error, Refused: true, find: (*pass).fieldTypes},
		{Name: "field-value", Severity: Error, Refused: true, find: (*pass).fieldValues},
		{Name: "name-twice", Severity: Error, Refused: true, find: (*pass).sameNames},
		{Name: "route-twice", Severity: Warning, find: (*pass).routesTwice},
		{Name: "route-path-pattern", Severity: Warning, find: (*pass).pathPatterns},
		{Name: "service-url-overwrites", Severity: Warning, find: (*pass).urlOverwrites},
		{Name: "upstream-unused", Severity: Warning, find: (*pass).upstreamsUnused},

		// Plugins.
		{Name: "plugin-config", Severity: Error, Refused: true, find: (*pass).pluginConfigs},
		{Name: pluginDegraded, Severity: Error},
		{Name: pluginWarning, Severity: Warning},
		{Name: "plugin-name", Severity: Error, find: (*pass).pluginNames},
		{Name: "plugin-twice", Severity: Error, find: (*pass).pluginsTwice},
		{Name: "reference", Severity: Error, Refused: true, find: (*pass).references},
		{Name: "plugin-none", Severity: Error, find: (*pass).noPlugins},
		{Name: "plugin-log-unscrubbed", Severity: Error, find: (*pass).logPlugins},
		{Name: "plugin-shadowed", Severity: Warning, find: (*pass).shadowed},
		{Name: "plugin-overridden", Severity: Info, find: (*pass).overridden},
		{Name: "plugin-beside-one-hop", Severity: Error, find: (*pass).besideOneHop},

		// Who gets in.
		{Name: "route-without-auth", Severity: Warning, find: (*pass).routesWithoutAuth},
		{Name: "auth-anonymous", Severity: Warning, find: (*pass).anonymous},
		{Name: "limit-without-user", Severity: Warning, find: (*pass).limitsWithoutUser},
		{Name: "limit-of-zero", Severity: Info, find: (*pass).limitsOfZero},
		{Name: "limit-per-node", Severity: Info, find: (*pass).limitsPerNode},
		{Name: "limit-name-unknown", Severity: Warning, find: (*pass).limitNames},
		{Name: "token-issuers", Severity: Warning, find: (*pass).tokenIssuers},
		{Name: "token-issuer-twice", Severity: Error, find: (*pass).issuersTwice},

		// Credentials.
		{Name: "credential-reference", Severity: Error, find: (*pass).credentialReferences},
		{Name: "credential-twice", Severity: Error, Refused: true, find: (*pass).credentialsTwice},
		{Name: "credential-in-url", Severity: Warning, find: (*pass).credentialsInURLs},
		{Name: "credential-key", Severity: Error, find: (*pass).tokenKeys},
		{Name: "secret-in-file", Severity: Warning, find: (*pass).secretsInFile},
		{Name: "development-only", Severity: Error, find: (*pass).development},
		{Name: "near-names", Severity: Warning, find: (*pass).nearNames},

		// TLS.
		{Name: "certificate-reference", Severity: Error, Refused: true, find: (*pass).certificateReferences},
		{Name: "certificate-ca-reference", Severity: Error, find: (*pass).caReferences},
		{Name: "certificate-pair", Severity: Error, Refused: true, find: (*pass).certificatePairs},
		{Name: "certificate-expired", Severity: Error, find: (*pass).certificatesExpired},
		{Name: "certificate-weak", Severity: Error, find: (*pass).certificatesWeak},
		{Name: "vault-reference", Severity: Error, find: (*pass).vaultReferences},
		{Name: "vault-variable", Severity: Warning, find: (*pass).vaultVariables},
		{Name: "tls-not-verified", Severity: Warning, find: (*pass).tlsNotVerified},
		{Name: "tls-plain-http", Severity: Warning, find: (*pass).plainHTTP},
		{Name: "tls-old-protocol", Severity: Error, find: (*pass).oldProtocols},

		// Health checks.
		{Name: "health-off", Severity: Warning, find: (*pass).healthOff},
		{Name: "health-no-return", Severity: Warning, find: (*pass).healthNoReturn},
		{Name: "health-statuses", Severity: Warning, find: (*pass).healthStatuses},

		// Versions and contracts.
		{Name: "cors-hides-headers", Severity: Info, find: (*pass).corsHides},
		{Name: lifecyclePolicy, Severity: Error, find: (*pass).lifecyclePolicy},
		{Name: "sunset-passed", Severity: Warning, find: (*pass).sunsetPassed},
		{Name: "sunset-notice", Severity: Error, find: (*pass).noticesTooShort, needs: (*pass).hasPolicy},
		{Name: "sunset-stages", Severity: Error, find: (*pass).stagesTooShort, needs: (*pass).hasPolicy},
		{Name: "sunset-freeze", Severity: Error, find: (*pass).frozen, needs: (*pass).hasPolicy},
		{Name: "sunset-exemption", Severity: Error, find: (*pass).exemptionsTooLong, needs: (*pass).hasPolicy},
		{Name: "sunset-exemption-unknown", Severity: Warning, find: (*pass).exemptionsUnknown},
		{Name: "sunset-long-past", Severity: Error, find: (*pass).sunsetLongPast, needs: (*pass).hasPolicy},
		{Name: "sunset-successor", Severity: Error, find: (*pass).successorsWithoutRoute},
		{Name: "sunset-loop", Severity: Error, find: (*pass).redirectLoops},
		{Name: "sunset-disagree", Severity: Error, find: (*pass).endingsOfOneVersion},
		{Name: "sunset-without-name", Severity: Warning, find: (*pass).recordedWithoutName},
		{Name: "sunset-exempts-two", Severity: Warning, find: (*pass).exemptionsOfTwo},
		{Name: "version-not-for-all", Severity: Error, find: (*pass).versionsNotForAll},
		{Name: "version-without-route", Severity: Error, find: (*pass).choicesWithoutRoute},
		{Name: "version-unknown", Severity: Warning, find: (*pass).versionsUnknown},
		{Name: "contract-without-route", Severity: Error, find: (*pass).contractsWithoutRoute, needs: (*pass).hasContracts},
		{Name: "contract-without-service", Severity: Error, find: (*pass).contractsWithoutService, needs: (*pass).hasContracts},
		{Name: "route-without-contract", Severity: Warning, find: (*pass).routesWithoutContract, needs: (*pass).hasContracts},
		{Name: "contract-not-announced", Severity: Error, find: (*pass).endingsNotAnnounced, needs: (*pass).hasContracts},
		{Name: "contract-not-deprecated", Severity: Error, find: (*pass).endingsNotInContract, needs: (*pass).hasContracts},
		{Name: "contract-dates", Severity: Error, find: (*pass).endingsThatDiffer, needs: (*pass).hasContracts},
		{Name: "contract-version", Severity: Error, find: (*pass).versionsWithoutRoute, needs: (*pass).hasContracts},

		{Name: waiverInvalid, Severity: Error},
		{Name: waiverUnused, Severity: Warning},
	}
}

// Rules are all that there are, in the order of docs/check.md.
func Rules() []Rule { return table }

func ruleOf(name string) *Rule {
	for i := range table {
		if table[i].Name == name {
			return &table[i]
		}
	}
	return nil
}

func ruleNames() (names []string) {
	for _, r := range table {
		names = append(names, r.Name)
	}
	return names
}
