package fault

import (
	"errors"
	"strings"
)

// Words are what is told of one error, whoever shows it.
type Words struct {
	What, Fix string
	// Detail are the lines of the tool that failed, as it printed them.
	Detail []string
}

// report is what to do about an error that nobody gave a kind.
const report = "this is a bug of Slipway, please report it with this output and that of slipway version"

// Tell returns the words of an error: of each one by itself where errors.Join put
// several together, and none for nil.
func Tell(err error) []Words {
	if err == nil {
		return nil
	}
	if all := joined(err); len(all) > 0 {
		var list []Words
		for _, e := range all {
			list = append(list, Tell(e)...)
		}
		return list
	}
	w := Words{What: err.Error()}
	if f, ok := errors.AsType[*Error](err); ok {
		// What was put before the fault when it was wrapped is kept.
		if before, ok := strings.CutSuffix(w.What, f.Error()); ok {
			w.What = before + f.What
		}
		w.Fix, w.Detail = f.Fix, f.Detail
	}
	if w.Fix == "" && KindOf(err) == Bug {
		w.Fix = report
	}
	return []Words{w}
}

// joined returns the errors that errors.Join put together, or nothing.
func joined(err error) []error {
	many, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	var texts []string
	for _, e := range many.Unwrap() {
		texts = append(texts, e.Error())
	}
	if strings.Join(texts, "\n") != err.Error() {
		return nil // fmt.Errorf with several %w: one sentence
	}
	return many.Unwrap()
}
