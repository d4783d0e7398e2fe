package quota

import "slices"

// costOf is what the request costs by the first entry of costs that is about it.
func (d *Decider) costOf(req *Request) int64 {
	for i := range d.settings.Costs {
		if d.settings.Costs[i].matches(req) {
			return d.settings.Costs[i].Cost
		}
	}
	return 1
}

func (c *Cost) matches(req *Request) bool {
	method := len(c.Methods) == 0 || slices.Contains(c.Methods, req.Method)
	route := len(c.Routes) == 0 || slices.Contains(c.Routes, req.RouteName) || slices.Contains(c.Routes, req.RouteID)
	return method && route && c.matchesHeader(req)
}

func (c *Cost) matchesHeader(req *Request) bool {
	value := req.Headers[c.Header]
	switch {
	case c.Header == "":
		return true
	case len(c.Values) == 0:
		return value != ""
	}
	return slices.Contains(c.Values, value)
}

// maxCost is the most that a request can cost.
func maxCost(costs []Cost) int64 {
	most := int64(1)
	for i := range costs {
		most = max(most, costs[i].Cost)
	}
	return most
}
