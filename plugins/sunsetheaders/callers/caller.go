package callers

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/gatehousehq/gatehouse/plugins/identity"
)

// Caller is who calls: a consumer as its operators named it, and the tenant, in the text of
// an [identity.ID]. The zero value is who came without a credential.
type Caller struct {
	ID       string `json:"id,omitempty"`
	Username string `json:"username,omitempty"`
	CustomID string `json:"custom_id,omitempty"`
	Tenant   string `json:"tenant,omitempty"`
}

// What the report calls those without a name.
const (
	Anonymous = "anonymous"
	// Others are those past the bound, together: nobody knows of them who they are.
	Others = "others"
)

// others is the caller of [Others]. Kong's ids are UUIDs, so it is no consumer's.
var others = Caller{ID: Others}

// Name is what to call the consumer.
func (c Caller) Name() string { return cmp.Or(c.Username, c.CustomID, c.ID, Anonymous) }

// clean is the caller with what is fit to be kept: bounded, and printable.
func (c Caller) clean() Caller {
	for _, field := range []*string{&c.ID, &c.Username, &c.CustomID} {
		if *field != "" {
			*field = identity.Clean(*field).String()
		}
	}
	return c
}

// text is the caller as the script gets it.
func (c Caller) text() string {
	text, _ := json.Marshal(c) // strings alone
	return string(text)
}

// member is the caller in a key: its length is bounded.
func (c Caller) member() string {
	sum := sha256.Sum256([]byte(c.text()))
	return hex.EncodeToString(sum[:memberLength])
}

// memberLength is how many bytes of a hash tell callers apart.
const memberLength = 12

// callerOf is the caller whose hash it is.
func callerOf(fields map[string]string) Caller {
	return Caller{ID: fields["wid"], Username: fields["wusername"], CustomID: fields["wcustom_id"], Tenant: fields["wtenant"]}
}
