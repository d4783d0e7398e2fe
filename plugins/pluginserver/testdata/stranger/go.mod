module example.com/hello

go 1.25.0

require (
	github.com/Kong/go-pdk v0.11.2
	github.com/gatehousehq/gatehouse/plugins/pluginserver v0.0.0
)

require (
	github.com/ugorji/go/codec v1.2.14 // indirect
	golang.org/x/sys v0.40.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace github.com/gatehousehq/gatehouse/plugins/pluginserver => ../..
