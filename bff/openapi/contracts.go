package openapi

import _ "embed" // for the contracts

// The contracts of the BFFs, as client teams get them, and that of partners.
var (
	//go:embed web.yaml
	Web []byte
	//go:embed mobile.yaml
	Mobile []byte
	//go:embed partner.yaml
	Partner []byte
)
