package server

import (
	"encoding/json"
	"net/http"
	"net/url"
)

// respond answers with a JSON value, which must be one that encodes.
func respond(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // A client that went away is nothing to act on.
}

// refuse answers with {"error": "..."}.
func refuse(w http.ResponseWriter, status int, message string) {
	respond(w, status, struct {
		Error string `json:"error"`
	}{message})
}

// query returns the request's parameters. A malformed query is an error, where
// URL.Query would drop what it cannot read and so answer another question.
func query(r *http.Request) (url.Values, error) {
	return url.ParseQuery(r.URL.RawQuery)
}
