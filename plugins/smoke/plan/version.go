package plan

import (
	"cmp"
	"encoding/json"
	"strings"
)

// apiVersions is what of the config of api-version says how a version is asked for.
type apiVersions struct {
	RouteHeader   string `json:"route_header"`
	RequestHeader string `json:"request_header"`
	APIs          []struct {
		Path       string
		MediaTypes []string `json:"media_types"`
		Versions   []struct {
			Name       string
			MediaTypes []string `json:"media_types"`
		}
	} `json:"apis"`
}

// ask is the header by which a client gets a route that matches on the one which the plugin
// api-version, or its section in one hop, writes: Accept, or the request header for a version
// without media types. It is empty where the plugin writes none such.
func (d *document) ask(path, header, version string) (name, value string) {
	var longest string
	c := d.apiVersions()
	if !strings.EqualFold(header, cmp.Or(c.RouteHeader, "X-Gatehouse-Version")) {
		return "", ""
	}
	for _, api := range c.APIs {
		if !strings.HasPrefix(path, api.Path) || len(api.Path) < len(longest) {
			continue
		}
		longest = api.Path
		for _, v := range api.Versions {
			switch {
			case v.Name != version:
			case len(v.MediaTypes) > 0:
				name, value = "Accept", v.MediaTypes[0]
			case len(api.MediaTypes) > 0:
				name, value = "Accept", api.MediaTypes[0]+";version="+version
			default:
				name, value = c.RequestHeader, version
			}
		}
	}
	return name, value
}

func (d *document) apiVersions() (c apiVersions) {
	all := &route{} // the plugin is for all
	if config, ok := d.on(&service{}, all, "api-version"); ok {
		_ = json.Unmarshal(config, &c) // what is no config asks for no version
		return c
	}
	var hop struct {
		Run        []string
		APIVersion apiVersions `json:"api_version"`
	}
	if config, ok := d.on(&service{}, all, "gatehouse"); ok {
		_ = json.Unmarshal(config, &hop) // likewise
	}
	for _, section := range hop.Run {
		if section == "api_version" {
			return hop.APIVersion
		}
	}
	return apiVersions{}
}
