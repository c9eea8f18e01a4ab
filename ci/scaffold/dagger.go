package scaffold

import (
	"encoding/json"
	"path"
	"strings"
)

// module is a dagger.json that has Slipway's functions and none of its own: its module is
// the blueprint of the repository's. https://docs.dagger.io/reference/configuration/modules
type module struct {
	Name          string    `json:"name"`
	EngineVersion string    `json:"engineVersion"`
	Blueprint     blueprint `json:"blueprint"`
}

type blueprint struct {
	Name   string `json:"name"`
	Source string `json:"source"`
	Pin    string `json:"pin"`
}

// dagger is dagger.json, which is Slipway's own as long as it has its blueprint. A module
// that somebody has is theirs.
func (f Facts) dagger() (File, error) {
	m := module{Name: f.moduleName(), EngineVersion: f.Dagger, Blueprint: blueprint{Name: "slipway", Source: f.Action.Ref(), Pin: f.Action.Commit}}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return File{}, err
	}
	file := f.own(daggerFile, string(text)+"\n")
	var there module
	if file.State != Differs || json.Unmarshal([]byte(f.Existing[daggerFile]), &there) == nil && there.Blueprint.Name == m.Blueprint.Name {
		return file, nil
	}
	file.State = Kept
	if !strings.Contains(f.Existing[daggerFile], f.Action.Commit) {
		file.Missing = []string{"what dagger install " + f.Action.Ref() + " adds"}
	}
	return file, nil
}

// moduleName is the last part of the module's path that is a name for Dagger.
func (f Facts) moduleName() string {
	for at := f.Module; at != "." && at != "/" && at != ""; at = path.Dir(at) {
		if name := strings.Trim(notInName.ReplaceAllString(strings.ToLower(path.Base(at)), "-"), "-"); name != "" && !majorForm.MatchString(name) {
			return name
		}
	}
	return "service"
}
