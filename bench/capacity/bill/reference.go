package main

// reference is the machine of docs/capacity.md, which says where each figure is from.
var reference = measured{
	kong: 970, server: 860, redis: 117,
	page:    610,
	logged:  740,
	kept:    740.0 / 5,
	counter: 204,
}

// list are prices on demand, and what else docs/capacity.md supposes.
var list = prices{
	cpuHour: 0.04048, gibHour: 0.004445,
	balancerHour: 0.0225, balancedGB: 0.006,
	keptGBMonth: 0.023, ingestedGB: 0.5,
	outGB:     0.09,
	peakHours: 2, days: 90,
	requestBytes: 1000, answerBytes: 2000,
}

// sizes are the overlays, and what they are for.
var sizes = []size{
	{
		name: "small", requests: 10e6, peak: 10, tenants: 100, users: 20,
		gateway: autoscaler{3, 6}, bff: autoscaler{2, 4},
		kong: container{0.25, 0.375}, server: container{0.1, 0.25}, page: container{0.1, 0.25},
		redisNode: 0.032,
	},
	{
		name: "medium", requests: 500e6, peak: 5, tenants: 1000, users: 50,
		gateway: autoscaler{3, 9}, bff: autoscaler{3, 9},
		kong: container{1, 0.5}, server: container{0.5, 0.25}, page: container{0.25, 0.25},
		redisNode: 0.15,
	},
	{
		name: "large", requests: 5e9, peak: 5, tenants: 10_000, users: 100,
		gateway: autoscaler{6, 24}, bff: autoscaler{4, 16},
		kong: container{4, 0.75}, server: container{2, 0.5}, page: container{1, 0.25},
		redisNode: 0.15,
	},
}
