package limiter

import "github.com/gatehousehq/gatehouse/plugins/tenantratelimit/rights"

// refused is true where a healthy server does not let its user run the script. To leave
// it alone for a while would make that no better, and later to mend.
func refused(err error) bool {
	_, is := rights.Parse(err, "")
	return is
}
