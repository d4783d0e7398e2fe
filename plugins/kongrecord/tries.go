package kongrecord

import (
	"strconv"
	"strings"

	"github.com/go-faster/jx"
)

// try reads an element of Kong's list of tries.
func (r *Record) try(d *jx.Decoder) error {
	t := Try{Took: -1}
	var port, finer float64
	var state string
	err := object(d, func(d *jx.Decoder, key string) error {
		switch key {
		case "ip":
			return text(d, &t.Address)
		case "port":
			return number(d, &port)
		case "balancer_start":
			return number(d, &t.StartedAt)
		case "balancer_start_ns":
			return number(d, &finer)
		case "state":
			return text(d, &state)
		}
		return d.Skip()
	})
	t.Port = int(port)
	if finer > 0 {
		t.StartedAt = finer / 1e6
	}
	t.Answered = state != "failed" // which Kong says where there was no answer
	r.Tries = append(r.Tries, t)
	return err
}

// endTries tells of each try what only the whole record says: its status by nginx's list,
// and that it ended when the next one began. The last ends with the request.
func (r *Record) endTries(list string) {
	statuses := Elements(list)
	for i := range r.Tries {
		t := &r.Tries[i]
		if i < len(statuses) {
			t.Status, _ = strconv.Atoi(statuses[i])
		}
		if i == len(r.Tries)-1 {
			t.Answered = r.Source == "upstream"
		} else {
			t.Took = max(r.Tries[i+1].StartedAt-t.StartedAt, 0)
		}
	}
}

// Elements are those of a list that nginx writes for the tries of a request: with ", "
// between them, and " : " where an internal redirect was.
func Elements(list string) []string {
	return strings.Fields(strings.NewReplacer(", ", " ", " : ", " ").Replace(list))
}
