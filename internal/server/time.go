package server

import (
	"fmt"
	"net/http"
	"regexp"
	"time"
)

// zoneName is the form of the IANA database's names. Names choose files below the
// zoneinfo folder, so nothing else gets as far as the file system.
var zoneName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+-]{0,31}(/[A-Za-z0-9_+-]{1,32}){0,3}$`)

// time answers with the time in the zone of the tz parameter, UTC by default.
func (s *Server) time(w http.ResponseWriter, r *http.Request) {
	values, err := query(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, "the query is malformed")
		return
	}
	zone, err := loadZone(values.Get("tz"))
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	now := s.now().In(zone)
	abbreviation, _ := now.Zone()
	respond(w, http.StatusOK, struct {
		Time         string `json:"time"`
		Zone         string `json:"zone"`
		Abbreviation string `json:"abbreviation"`
		Offset       string `json:"offset"`
	}{now.Format(time.RFC3339), zone.String(), abbreviation, now.Format("-07:00")})
}

// loadZone finds a zone by its IANA name; the empty name is UTC. "Local" is
// refused: it is Go's word for this machine's zone and names no zone at all.
func loadZone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	if name == "Local" || !zoneName.MatchString(name) {
		return nil, fmt.Errorf("tz is not the name of a time zone: want one like Asia/Jakarta")
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("time zone %s is unknown here", name)
	}
	return zone, nil
}
