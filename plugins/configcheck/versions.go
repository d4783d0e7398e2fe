package configcheck

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehousehq/gatehouse/plugins/configcheck/gateway"
)

var (
	// versionWord is a version in a path or a media type, such as /v2/ or
	// application/vnd.example.v2+json; versionDay one that is a day.
	versionWord = regexp.MustCompile(`(?i)\bv([0-9]{1,4})\b`)
	versionDay  = regexp.MustCompile(`\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b`)
	// versionNumber is one alone, as the value of a header.
	versionNumber = regexp.MustCompile(`^[0-9]{1,4}$`)
	// infoVersion is a version as documents have it, whose first number is the API's.
	infoVersion = regexp.MustCompile(`^v?0*([0-9]{1,4})(\.[0-9]+)*([-+].*)?$`)
)

// versionsIn are the versions that a text names.
func versionsIn(text string) (versions []string) {
	for _, found := range versionWord.FindAllStringSubmatch(text, -1) {
		versions = append(versions, "v"+found[1])
	}
	return append(versions, versionDay.FindAllString(text, -1)...)
}

// versionsWithoutRoute finds versions that a contract names, in its servers and its info, and
// that no route of its services serves.
func (p *pass) versionsWithoutRoute() {
	for _, c := range p.Contracts {
		service := p.config.Find("services", c.Services[0])
		document, err := c.Document.Value()
		if service == nil || err != nil {
			continue
		}
		p.serversWithoutRoute(c, service, document)
		p.infoWithoutRoute(c, service, document)
	}
}

func (p *pass) serversWithoutRoute(c Contract, service *gateway.Entity, document map[string]any) {
	routes := p.servings(c)
	for i, path := range serverPaths(document) {
		versions := versionsIn(path)
		served := slices.ContainsFunc(operationsBelow(document, path), func(o operation) bool {
			return !o.elsewhere && slices.ContainsFunc(routes, func(s serving) bool { return s.leadsTo(o) })
		})
		if len(versions) > 0 && !served {
			p.foundIn(c, service, at("servers", i, "url"), fmt.Sprintf("no route of service %s leads to anything of %s", strings.Join(c.Services, ", "), path),
				"add the routes of "+versions[len(versions)-1]+", or take the server out of the contract")
		}
	}
}

// infoWithoutRoute compares the version of a document with those of routes, where each route
// says of which it is.
func (p *pass) infoWithoutRoute(c Contract, service *gateway.Entity, document map[string]any) {
	said, _ := gateway.Map(document["info"])["version"].(string)
	kind, version := versionWord, ""
	if day := versionDay.FindString(said); day != "" {
		kind, version = versionDay, day
	} else if parts := infoVersion.FindStringSubmatch(said); parts != nil && parts[1] != "0" { // 0.x is before the first
		version = "v" + parts[1]
	}
	served := map[string]bool{}
	for _, s := range p.servings(c) {
		named := slices.DeleteFunc(versionsOf(s.Route), func(v string) bool { return !kind.MatchString(v) })
		if len(named) == 0 {
			return // it may serve any
		}
		for _, v := range named {
			served[v] = true
		}
	}
	if version != "" && len(served) > 0 && !served[version] {
		p.foundIn(c, service, at("info", "version"), fmt.Sprintf("the contract is of %s, and the routes of service %s are of %s", version, strings.Join(c.Services, ", "), strings.Join(slices.Sorted(maps.Keys(served)), ", ")),
			"add a route of "+version+", or begin info.version with the version that is served")
	}
}

// versionsOf are those that a route's paths and headers name, and its service's path.
func versionsOf(r gateway.Route) (versions []string) {
	texts := gateway.Strings(r.Fields["paths"])
	if r.Service != nil {
		texts = append(texts, gateway.AddressOf(r.Service).Path)
	}
	headers := gateway.Map(r.Fields["headers"])
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		for _, value := range gateway.Strings(headers[name]) {
			if versionNumber.MatchString(value) {
				value = "v" + value
			}
			texts = append(texts, value)
		}
	}
	for _, text := range texts {
		versions = append(versions, versionsIn(text)...)
	}
	return versions
}
