// Package urn names documents by what is in them: the same document has the same name
// wherever and whenever it is made, and another one has another.
package urn

import (
	"crypto/sha1"
	"encoding/json"
	"fmt"
)

// urls is the name space of names that are URLs (RFC 9562, section 6.6).
var urls = [16]byte{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}

// Of is the name of a document that does not have it yet, as a UUID of version 5. The
// kind keeps apart what is of different forms.
func Of(kind string, document any) (string, error) {
	text, err := json.Marshal(document)
	if err != nil {
		return "", fmt.Errorf("naming a document of %s: %w", kind, err)
	}
	// Version 5 is defined on SHA-1. Nothing is proved by it.
	sum := sha1.Sum(append(append(urls[:], "https://example.com/slipway/"+kind+"/"...), text...))
	u := sum[:16]
	u[6], u[8] = u[6]&0x0f|0x50, u[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:]), nil
}
