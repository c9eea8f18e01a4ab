package report

import (
	"fmt"
	"strings"

	"example.com/slipway/ci/receipt"
)

// maxAlike is how many cached steps of one kind are shown each by itself.
const maxAlike = 5

// alike makes one step of many that were cached and whose names begin with the same word:
// of a hundred programs that were not built again, the one that was is to be seen. The
// step stands where the first of them began and lasts until the last has ended.
func alike(steps []receipt.Step) []span {
	kinds := map[string]int{}
	for _, s := range steps {
		if kind, ok := kindOf(s); ok {
			kinds[kind]++
		}
	}
	var list []span
	at := map[string]int{}
	for _, s := range steps {
		one := span{Step: s, From: bounded(s.After), To: bounded(s.After) + bounded(s.Took)}
		kind, ok := kindOf(s)
		if !ok || kinds[kind] <= maxAlike {
			list = append(list, one)
			continue
		}
		i, known := at[kind]
		if !known {
			i = len(list)
			at[kind], list = i, append(list, one)
			list[i].Step = receipt.Step{Name: fmt.Sprintf("%s (%d steps)", kind, kinds[kind]), Outcome: s.Outcome}
		}
		list[i].From, list[i].To = min(list[i].From, one.From), max(list[i].To, one.To)
		list[i].Alike = append(list[i].Alike, s)
	}
	return list
}

// kindOf is the first word of a cached step's name, where it has more than one.
func kindOf(s receipt.Step) (string, bool) {
	kind, _, several := strings.Cut(s.Name, " ")
	return kind, several && s.Outcome == "cached"
}
