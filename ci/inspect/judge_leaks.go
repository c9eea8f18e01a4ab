package inspect

import (
	"fmt"
	"slices"
	"strings"

	"example.com/slipway/ci/inspect/leak"
)

// The gates that inspect's rules belong to.
const (
	gateImage = "image"
	gateLeaks = "leaks"
)

// leakPrefix begins the IDs of rules about what an image gives away.
const leakPrefix = "leak/"

// Gate is the gate that a finding belongs to: leaks for secrets and names of the
// machine that built the image, and image for all others.
func (f Finding) Gate() string {
	if strings.HasPrefix(f.ID, leakPrefix) {
		return gateLeaks
	}
	return gateImage
}

// leaks makes one finding of what breaks a rule, and another of what does so in lower
// layers only.
func (j *judge) leaks() {
	all := j.img.Leaks
	for i := 0; i < len(all); {
		n := i
		for n < len(all) && all[n].Rule == all[i].Rule {
			n++
		}
		for _, hidden := range []bool{false, true} {
			j.leak(all[i].Rule, hidden, slices.DeleteFunc(slices.Clone(all[i:n]), func(l Leak) bool { return l.Hidden != hidden }))
		}
		i = n
	}
}

func (j *judge) leak(rule leak.Rule, hidden bool, list []Leak) {
	if len(list) == 0 {
		return
	}
	var whats []string
	var places Listing
	for _, l := range list {
		whats = append(whats, l.What)
		for _, place := range l.Places.Paths {
			if !slices.Contains(places.Paths, place) {
				places.add(place)
			}
		}
		places.Count += l.Places.Count - len(l.Places.Paths)
	}
	what, fix := strings.Join(whats, " and "), remedy(rule)
	if rule == leak.BuildPath || rule == leak.MachineName {
		what = "it names the machine that built it, by " + what
	} else {
		what = "it has " + what
	}
	if hidden {
		what += " in a lower layer, which a higher one only hides"
		fix = "a layer cannot take back what a lower one has: " + fix
	}
	var files []string
	for _, place := range places.Paths {
		if strings.HasPrefix(place, "/") {
			files = append(files, place)
		}
	}
	j.add(leakPrefix+string(rule), High, fmt.Sprintf("%s: %s", what, places.brief()), fix, files...)
}

// remedy is what to do against what breaks a rule.
func remedy(rule leak.Rule) string {
	switch rule {
	case leak.BuildPath:
		return "build programs with -trimpath, and take the path out of settings and files"
	case leak.MachineName:
		return "take the name out of settings and files, and set versions that do not tell it"
	case leak.EnvFile, leak.GitFolder, leak.CredentialsFile, leak.KeyFile:
		return "build the image without it, and give the container what it needs when it starts"
	case unread:
		return "write the files without holes"
	}
	return "take it out and revoke it, for whoever has the image has it; give the container its secrets when it starts"
}
