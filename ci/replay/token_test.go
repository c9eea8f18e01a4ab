package replay_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/receipt"
	"example.com/slipway/ci/replay"
)

func TestToken_HasWhatARunIsRepeatedFrom(t *testing.T) {
	t.Parallel()
	r := passed(tests("TestWave=fail", "TestEbb=fail"))
	r.Run.Request = receipt.Request{
		Verb: "publish", Gates: []string{"smoke", "tests", "reproducible"}, Twice: true, Rerun: 3,
		Settings: map[string][]string{
			"platform": {"linux/amd64", "linux/arm64"}, "tags": {""},
			"engine": {"dagger"}, "allow-exec": {"true"}, "output": {"/etc"}, "target": {"ghcr.io/team/tide"}, "mirror": {"gcr.io=evil.example"}, "vulndb": {"/etc"},
		},
	}
	rec := fromToken(t, r)
	require.Equal(t, commit, rec.Commit)
	require.Equal(t, "app", rec.Folder)
	require.Equal(t, 7, rec.Pull)
	require.Equal(t, receipt.Request{
		Verb: "publish", Gates: []string{"tests", "smoke", "reproducible"}, Twice: true, Rerun: 3,
		Settings: map[string][]string{"platform": {"linux/amd64", "linux/arm64"}, "tags": {""}},
	}, rec.Request)
	require.Equal(t, "v0.0.0-20261128061513-413e0ae6bf17", rec.Version)
	require.Equal(t, map[string][]string{
		"platform": {"linux/amd64", "linux/arm64"}, "tags": {""}, "version": {"v0.0.0-20261128061513-413e0ae6bf17"}, "epoch": {"1795846513"},
	}, rec.Settings())
	full := record(t, r)
	require.Equal(t, full.Print, rec.Print)
	require.Equal(t, "tests", rec.Print.Kind)
	require.Equal(t, 2, rec.Print.Count)
}

// It is typed, and printed in a line of a log.
func TestToken_IsShort(t *testing.T) {
	t.Parallel()
	r := passed(tests("TestWave=fail"))
	r.Run.Request.Settings = map[string][]string{"platform": {"linux/amd64,linux/arm64"}, "engine": {"local"}, "base": {"builtin"}}
	token := replay.Token(r)
	require.Less(t, len(token), 200, token)
	r.Run.Request.Settings["set"] = []string{"main.x=" + strings.Repeat("long", 1000)}
	require.Empty(t, replay.Token(r), "its receipt has it all")
}

func TestToken_IsNoneOfARunThatCannotBeRepeated(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*receipt.Receipt){
		"no source":    func(r *receipt.Receipt) { r.Source = nil },
		"no commit":    func(r *receipt.Receipt) { r.Source.Commit = "" },
		"no id":        func(r *receipt.Receipt) { r.Source.Commit = "main" },
		"dirty":        func(r *receipt.Receipt) { r.Source.Dirty = []string{"main.go"} },
		"outside":      func(r *receipt.Receipt) { r.Source.Folder = "../etc" },
		"other verb":   func(r *receipt.Receipt) { r.Run.Request.Verb = "run" },
		"other gate":   func(r *receipt.Receipt) { r.Run.Request.Gates = []string{"smell"} },
		"many reruns":  func(r *receipt.Receipt) { r.Run.Request.Rerun = 1 << 40 },
		"before 1970":  func(r *receipt.Receipt) { r.Images[0].Plan.Epoch = -1 },
		"odd version":  func(r *receipt.Receipt) { r.Images[0].Plan.Version = "v1\x01" },
		"upper digits": func(r *receipt.Receipt) { r.Source.Commit = strings.ToUpper(commit) },
	} {
		require.Empty(t, replay.Token(passed(change)), name)
	}
	require.NotEmpty(t, replay.Token(passed()))
}

func TestDecode_TellsAMistypedToken(t *testing.T) {
	t.Parallel()
	token := replay.Token(passed())
	for i := len(replay.TokenPrefix); i < len(token); i++ {
		other := byte('A')
		if token[i] == other {
			other = 'B'
		}
		_, err := replay.Decode(token[:i] + string(other) + token[i+1:])
		require.Equal(t, fault.Usage, fault.KindOf(err))
		require.ErrorContains(t, err, "not as it was printed", i)
	}
	for _, text := range []string{token[:len(token)-1], token + "A", replay.TokenPrefix, replay.TokenPrefix + strings.Repeat("A", 1<<20), replay.TokenPrefix + "AAAA AAAA"} {
		_, err := replay.Decode(text)
		require.ErrorContains(t, err, "not as it was printed")
	}
	_, err := replay.Decode("sw2-" + token[4:])
	require.ErrorContains(t, err, "not of a form that this Slipway knows")
}

func FuzzToken(f *testing.F) {
	f.Add(commit, "app", 7, uint8(3), true, 2, "platform", "linux/amd64", "v1.2.3", int64(1795846513), "go1.26.9", uint32(1), uint8(3), uint64(9), uint64(0))
	f.Add(strings.Repeat("0c", 32), ".", 0, uint8(0), false, 0, "", "", "", int64(0), "", uint32(0), uint8(0), uint64(0), uint64(1))
	f.Fuzz(func(t *testing.T, commit, folder string, pull int, gates uint8, twice bool, rerun int, name, value, version string, epoch int64, release string, sum uint32, kind uint8, id, digest uint64) {
		r := passed(func(r *receipt.Receipt) {
			r.Source.Commit, r.Source.Folder = commit, folder
			r.Run.Plan.Ref = fmt.Sprintf("refs/pull/%d/merge", pull)
			r.Run.Request.Rerun, r.Run.Request.Twice = rerun, twice
			r.Run.Request.Settings = map[string][]string{name: {value, value}}
			r.Images[0].Plan.Version, r.Images[0].Plan.Epoch = version, epoch
		})
		rec, err := replay.Of(r)
		if err != nil {
			require.Empty(t, replay.Token(r))
			return
		}
		rec.Print.Inputs[int(gates)%len(rec.Print.Inputs)], rec.Print.Identity, rec.Print.Digests = sum, id, append(rec.Print.Digests, digest)
		token, err := rec.Token()
		if err != nil {
			return
		}
		again, err := replay.Decode(token)
		if err != nil {
			// Only what is not a setting, a year or a name is refused.
			require.True(t, name == "" || epoch > 253402300799, err)
			return
		}
		rec.Receipt, rec.Remote = nil, ""
		if rec.Print.Kind == "" {
			rec.Print.Identity = 0
		}
		if len(rec.Request.Settings) == 0 {
			rec.Request.Settings = again.Request.Settings
		}
		require.Equal(t, rec, again)
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(replay.Token(passed()))
	f.Add(replay.Token(passed(tests("TestWave=fail"))))
	f.Add("sw1-")
	f.Fuzz(func(t *testing.T, text string) {
		for _, token := range []string{text, resealed(text)} {
			rec, err := replay.Decode(token)
			if err != nil {
				require.Equal(t, fault.Usage, fault.KindOf(err))
				continue
			}
			again, err := rec.Token()
			if err != nil {
				continue
			}
			other, err := replay.Decode(again)
			require.NoError(t, err)
			require.Equal(t, rec, other)
		}
	})
}

func TestRecord_SaysWhatToTypeByHand(t *testing.T) {
	t.Parallel()
	r := passed(tests("TestWave=fail"))
	r.Run.Request = receipt.Request{Verb: "publish", Gates: []string{"tests"}, Twice: true, Rerun: 2, Settings: map[string][]string{"tags": {"a", "b"}, "engine": {"local"}}}
	require.Equal(t, "slipway publish --gate=tests --twice --rerun-failed=2 --tags=a --tags=b", fromToken(t, r).Command())
	require.Equal(t, []string{"go", "test", "./..."}, fromToken(t, r).Failed())
	require.Equal(t, []string{"go", "build", "./..."}, fromToken(t, passed(compile)).Failed())
	require.Empty(t, fromToken(t, passed()).Failed())
	r.Run.Steps[0].Commands[0].Exit = 1
	require.Equal(t, []string{"go", "test", "./..."}, record(t, r).Failed())
}
