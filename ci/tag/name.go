package tag

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"example.com/slipway/ci/fault"
)

// nameLimit is how long a tag may be.
// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
const nameLimit = 128

var notInName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// sanitise makes a tag of text: each run of characters that a tag cannot have becomes
// one dash, as in docker/metadata-action, and dots and dashes at the beginning, where
// a tag cannot have them, go. The name of a branch or tag that is too long ends with
// its hash, so that two long names stay two.
func sanitise(text string, cut bool) (string, *fault.Error) {
	name := strings.TrimLeft(clean(text), ".-")
	if name == "" {
		return "", wrong("no character of %q can be in a tag", text).WithFix("give it another name, or the rule a prefix")
	}
	if len(name) <= nameLimit {
		return name, nil
	}
	if !cut {
		return "", wrong("it would be longer than %d characters", nameLimit).WithFix("shorten what the rule says")
	}
	sum := sha256.Sum256([]byte(text))
	end := "-" + hex.EncodeToString(sum[:4])
	return name[:nameLimit-len(end)] + end, nil
}

func clean(text string) string { return notInName.ReplaceAllString(text, "-") }
