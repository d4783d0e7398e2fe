package usage

import "testing"

func TestWords(t *testing.T) {
	for key, want := range map[string]string{
		"": "all", "g.": "all", "anonymous": "(who shows no credential)", "t.anonymous": "anonymous", "t.acme": "acme", "t.t.acme": "t.acme",
		"r.orders": "orders", "u.alice": "alice", "i.10.0.0.1": "address 10.0.0.1", "c.erp": "consumer erp", "another": "another",
		"c.ERP%20one": "consumer ERP one", "t#9f86": "#9f86", "u.50%": "50%",
	} {
		if got := Words(key); got != want {
			t.Errorf("%q: %q, want %q", key, got, want)
		}
	}
}
