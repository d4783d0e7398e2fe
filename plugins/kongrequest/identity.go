package kongrequest

import (
	"github.com/Kong/go-pdk/entities"

	"github.com/gatehousehq/gatehouse/plugins/identity"
)

// What Kong verified of who is asking. Nothing here is what a client wrote.

// tokenKey is where Kong's jwt plugin leaves a token that it has verified.
const tokenKey = "authenticated_jwt_token"

// Token is the token that Kong's jwt plugin verified, or nil. Kong is not asked
// where its record, read before, has the note that there is none.
func (e *Event) Token() (*identity.Token, error) {
	if r := e.record.value; r != nil && r.NoToken {
		return nil, nil
	}
	return e.token.get("verified token", func() (*identity.Token, error) {
		shared, err := e.kong.Ctx.GetSharedAny(tokenKey)
		text, _ := shared.(string)
		return identity.ReadToken(text), err
	})
}

// groupsKey is where plugins that ask a directory leave the groups that it says
// the client is in, and where Kong's acl plugin looks for them. A client cannot
// write there, as it can X-Consumer-Groups where acl does not.
const groupsKey = "authenticated_groups"

// Groups are those of an authenticated client, none if no plugin said so.
func (e *Event) Groups() ([]string, error) {
	return e.groups.get("authenticated groups", func() ([]string, error) {
		shared, err := e.kong.Ctx.GetSharedAny(groupsKey)
		list, _ := shared.([]any)
		var groups []string
		for _, entry := range list {
			if name, ok := entry.(string); ok {
				groups = append(groups, name)
			}
		}
		return groups, err
	})
}

// Consumer is the consumer that Kong's auth plugins attached to the request, its
// Id empty if there is none. With an empty [Event.Credential] it stands in for
// anonymous requests. It is asked for with each request: nothing else that a request
// has says for certain which consumer it is of.
func (e *Event) Consumer() (entities.Consumer, error) {
	return e.consumer.get("consumer", e.kong.Client.GetConsumer)
}

// ReadConsumer adds the consumer to what is known of who is asking, and the credential
// if there is a consumer: only that tells one who was authenticated from a stand-in.
func (e *Event) ReadConsumer(who *identity.Evidence) error {
	consumer, err := e.Consumer()
	if err != nil || consumer.Id == "" {
		return err
	}
	who.Consumer = identity.Consumer{ID: consumer.Id, Username: consumer.Username, CustomID: consumer.CustomId, Tags: consumer.Tags}
	who.CredentialID, err = e.Credential()
	return err
}

// Credential is the id of the credential that Kong authenticated, or empty.
func (e *Event) Credential() (string, error) {
	return e.credential.get("credential", func() (string, error) {
		credential, err := e.kong.Client.GetCredential()
		return credential.Id, err
	})
}
