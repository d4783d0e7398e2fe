package endings

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode"

	ics "github.com/arran4/golang-ical"

	"github.com/gatehousehq/gatehouse/plugins/sunsetheaders/lifecycle"
)

// maxEvents bounds a calendar: a schedule may have hundreds of brownouts, and clients of
// calendars take some thousands.
const maxEvents = 5000

// Calendar writes what becomes of versions and when, as iCalendar (RFC 5545) in UTC: each
// deprecation, brownout and end. It says nothing of who calls, nor of exemptions: it is for
// everybody. Events keep their UIDs from one writing to the next, so that a client moves an
// end whose date has changed.
func Calendar(w io.Writer, versions []Version, now time.Time) error {
	c := ics.NewCalendar()
	c.SetProductId("-//Gatehouse//API versions//EN")
	c.SetXWRCalName("API versions")
	c.SetRefreshInterval("P1D") // RFC 7986, section 5.7
	n := 0
	for i := range versions {
		for _, e := range versions[i].events() {
			if n++; n > maxEvents {
				return fmt.Errorf("there are more than %d events: name the ROUTEs that the calendar is for", maxEvents)
			}
			e.add(c, now)
		}
	}
	if err := c.SerializeTo(w, ics.WithNewLineWindows); err != nil {
		return fmt.Errorf("write the calendar: %w", err)
	}
	return nil
}

// event is one of a calendar. Without an end it is a moment.
type event struct {
	uid            string
	start, end     time.Time
	summary, about string
	link           string
}

// events are those of a version's life, as it is for all.
func (v *Version) events() (list []event) {
	name := plainText(v.Route)
	if !v.Deprecation.IsZero() {
		list = append(list, v.event("deprecation", v.Deprecation, time.Time{}, name+" is deprecated", "It goes on until its end."))
	}
	if v.DryRun {
		return append(list, v.ending(name)...)
	}
	for _, b := range v.Brownouts {
		list = append(list, v.event("brownout-"+stamp(b.Start), b.Start, b.End, name+" is switched off for a while",
			fmt.Sprintf("A brownout: requests are answered %d.", v.BrownoutStatus)))
	}
	for _, r := range v.Ramps {
		list = append(list, v.event("share-"+stamp(r.Start), r.Start, r.End, name+" refuses more and more requests",
			fmt.Sprintf("A growing share of requests is answered %d, from %.0f to %.0f percent.", v.BrownoutStatus, r.From, r.To)))
	}
	return append(list, v.ending(name)...)
}

func (v *Version) ending(name string) []event {
	if v.Sunset.IsZero() {
		return nil
	}
	about := fmt.Sprintf("From then on requests are answered %d.", http.StatusGone)
	switch {
	case v.AfterSunset == lifecycle.AfterSunsetRedirect:
		about = fmt.Sprintf("From then on requests are answered %d to the successor where that can be, and else %d.", http.StatusPermanentRedirect, http.StatusGone)
	case v.AfterSunset == lifecycle.AfterSunsetWarn || v.DryRun:
		about = "From then on nobody may rely on it."
	}
	return []event{v.event("end", v.Sunset, time.Time{}, name+" ends", about)}
}

// event is one of the version's. kind tells it from the others of the version.
func (v *Version) event(kind string, start, end time.Time, summary, about string) event {
	if v.Successor != "" {
		about += " Use " + plainText(strings.ReplaceAll(v.Successor, lifecycle.RestVariable, "")) + " instead."
	}
	sum := sha256.Sum256([]byte(v.Route + "\n" + kind))
	e := event{uid: hex.EncodeToString(sum[:16]) + "@gatehouse", start: start, end: end, summary: summary, about: about}
	for _, link := range []string{v.SunsetDocumentation, v.Documentation, v.Policy} {
		if e.link == "" && strings.Contains(link, "://") { // a calendar has no base for a path
			e.link = link
		}
	}
	return e
}

func (e *event) add(c *ics.Calendar, now time.Time) {
	made := c.AddEvent(e.uid)
	made.SetDtStampTime(now)
	made.SetStartAt(e.start)
	if !e.end.IsZero() {
		made.SetEndAt(e.end)
	}
	made.SetSummary(e.summary)
	made.SetDescription(e.about)
	made.SetTimeTransparency(ics.TransparencyTransparent)
	if e.link != "" {
		made.SetURL(e.link)
	}
}

func stamp(t time.Time) string { return t.UTC().Format("20060102T150405Z") }

// plainText leaves out what no text of a calendar may hold (RFC 5545, section 3.3.11).
func plainText(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
}
