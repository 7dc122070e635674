package catalogue

import (
	"fmt"
	"strings"
)

// checkDescribe settles who may read an API's description: its callers, where nothing is written. Where that is not to
// be had, because its path is taken or nothing says who the callers are, nobody may; if something else is written,
// that is a mistake.
func (d *decoder) checkDescribe(a *API, n *node) {
	written := n.written("describe")
	if !written {
		a.Describe = Callers
	}
	if a.Describe != Callers && a.Describe != Everyone { // or not understood
		return
	}
	why := a.taken()
	if why == "" && a.Describe == Callers && !a.knowsCallers() {
		why = "No identify on the API, nor on each of its versions, says who its callers are"
	}
	if why == "" {
		return
	}
	a.Describe = Nobody
	if written {
		d.wrong(n.place("describe"), "Description that is not to be had", "%s: write describe = %q, or change that.", why, Nobody)
	}
}

// taken says what takes the path of the description, "" for nothing.
func (a *API) taken() string {
	name := strings.TrimPrefix(Description, "/")
	for _, r := range a.Routes {
		if len(r.Segments) == 1 && (r.Segments[0].Parameter != "" || r.Segments[0].Literal == name) {
			return fmt.Sprintf("The route %q, at %s, takes the path of the description", r.Label, at(r.Range))
		}
	}
	if a.Versioning == nil || !a.Versioning.Path {
		return ""
	}
	for _, v := range a.Versions {
		if strings.EqualFold(v.Name, name) {
			return fmt.Sprintf("The version %q, at %s, takes the path of the description", v.Name, at(v.Range))
		}
	}
	return ""
}

// knowsCallers says whether it is known, of each version, who its callers are, whatever route they ask for.
func (a *API) knowsCallers() bool {
	if a.identified() {
		return true
	}
	for _, v := range a.Versions {
		if !v.identified() {
			return false
		}
	}
	return len(a.Versions) > 0
}
