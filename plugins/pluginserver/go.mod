module github.com/gatehousehq/gatehouse/plugins/pluginserver

go 1.25.0

require (
	github.com/Kong/go-pdk v0.11.2
	github.com/google/go-cmp v0.7.0
	golang.org/x/sys v0.40.0
	google.golang.org/protobuf v1.36.12
)

require github.com/ugorji/go/codec v1.2.14 // indirect
