module github.com/gatehousehq/gatehouse/bench

go 1.26.0

require github.com/gatehousehq/gatehouse v0.0.0

replace github.com/gatehousehq/gatehouse => ../
