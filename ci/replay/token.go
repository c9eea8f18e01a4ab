package replay

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/receipt"
)

// TokenPrefix begins every token. Its number changes with the form.
const TokenPrefix = "sw1-"

// maxToken bounds a token in characters. A run whose settings are longer has none: its
// receipt has them all.
const maxToken = 1000

// What a token has as a number. A later form may add to the ends of these.
var (
	kinds   = []string{"", "usage", "source", "tests", "gate", "unjudged", "registry", "engine", "bug", interrupted, terminated}
	engines = []string{"", "local", "dagger"}
	gates   = []string{finding.GateTests, finding.GateImage, finding.GateLeaks, finding.GateVulnerabilities, finding.GateSmoke, finding.GateReproducible}
)

const (
	flagPublish = 1 << iota
	flagTwice
	flagLong // the commit has 64 digits
)

// maxEpoch is the last second of the year 9999.
const maxEpoch = 253402300799

// commitMark and timeMark stand in a version for the commit's beginning and the epoch, of
// which pseudo-versions are made. No version has these characters.
const commitMark, timeMark = "\x01", "\x02"

// Token is the short form of a receipt, or empty for one that cannot be repeated.
func Token(r *receipt.Receipt) string {
	rec, err := Of(r)
	if err != nil {
		return ""
	}
	text, err := rec.Token()
	if err != nil {
		return ""
	}
	return text
}

// Token is the short form of a record: fingerprints in place of its receipt, and a
// checksum, because people type it.
func (r *Record) Token() (string, error) {
	e := &encoder{}
	commit, err := hex.DecodeString(r.Commit)
	if err != nil || !commitForm.MatchString(r.Commit) || r.Epoch < 0 || strings.ContainsAny(r.Version, commitMark+timeMark) {
		return "", fault.New(fault.Usage, "there is no commit to make a token of").WithFix("commit the sources")
	}
	flags := uint64(0)
	for flag, set := range map[uint64]bool{flagPublish: r.Request.Verb == "publish", flagTwice: r.Request.Twice, flagLong: len(commit) == 32} {
		if set {
			flags |= flag
		}
	}
	e.number(flags)
	e.b = append(e.b, commit...)
	e.text(inner(r.Folder))
	e.number(uint64(r.Pull))
	e.number(mask(r.Request.Gates))
	e.number(uint64(r.Request.Rerun))
	e.settings(r.Request.Settings)
	e.text(shorten(r.Version, r.Commit, r.Epoch))
	e.number(uint64(r.Epoch))
	e.print(r.Print)
	e.b = binary.BigEndian.AppendUint32(e.b, crc32.ChecksumIEEE(e.b))
	text := TokenPrefix + base64.RawURLEncoding.EncodeToString(e.b)
	if len(text) > maxToken {
		return "", fault.New(fault.Usage, "the settings of the run are too long for a token").WithFix("use its receipt.json")
	}
	return text, nil
}

// inner is a folder without the one that most sources are in.
func inner(folder string) string {
	if folder == "." {
		return ""
	}
	return folder
}

func mask(names []string) uint64 {
	m := uint64(0)
	for i, gate := range gates {
		if slices.Contains(names, gate) {
			m |= 1 << i
		}
	}
	return m
}

func shorten(version, commit string, epoch int64) string {
	version = strings.Replace(version, commit[:12], commitMark, 1)
	return strings.Replace(version, stamp(epoch), timeMark, 1)
}

func lengthen(version, commit string, epoch int64) string {
	return strings.NewReplacer(commitMark, commit[:12], timeMark, stamp(epoch)).Replace(version)
}

func stamp(epoch int64) string { return time.Unix(epoch, 0).UTC().Format("20060102150405") }

// Decode reads a token.
func Decode(token string) (*Record, error) {
	text, ok := strings.CutPrefix(token, TokenPrefix)
	if !ok {
		return nil, fault.New(fault.Usage, "the token is not of a form that this Slipway knows: it begins otherwise than with %s", TokenPrefix).
			WithFix("reproduce it with the Slipway that printed it")
	}
	wrong := fault.New(fault.Usage, "the token is not as it was printed: its checksum does not fit").
		WithFix("copy all of it, or use the receipt.json of the run")
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(token) > maxToken || len(b) < 4 {
		return nil, wrong
	}
	b, sum := b[:len(b)-4], b[len(b)-4:]
	if crc32.ChecksumIEEE(b) != binary.BigEndian.Uint32(sum) {
		return nil, wrong
	}
	d := &decoder{b: b}
	r := d.record()
	if d.wrong || len(d.b) > 0 {
		return nil, fault.New(fault.Usage, "the token says what no run has").WithFix("use the receipt.json of the run")
	}
	return r, nil
}

// record reads what Token wrote, but for the checksum.
func (d *decoder) record() *Record {
	r := &Record{}
	flags, long := d.number(), 20
	if flags&flagLong != 0 {
		long = 32
	}
	r.Commit = hex.EncodeToString(d.bytes(long))
	r.Folder = cmp.Or(d.text(), ".")
	d.refuse(flags > flagPublish|flagTwice|flagLong || !filepath.IsLocal(filepath.FromSlash(r.Folder)))
	r.Pull = d.small(1e9)
	chosen := d.number()
	for i, gate := range gates {
		if chosen&(1<<i) != 0 {
			r.Request.Gates = append(r.Request.Gates, gate)
		}
	}
	d.refuse(chosen >= 1<<len(gates))
	r.Request.Verb, r.Request.Twice = "check", flags&flagTwice != 0
	if flags&flagPublish != 0 {
		r.Request.Verb = "publish"
	}
	r.Request.Rerun = d.small(maxRerun)
	if said := config.Repeated(d.settings()); len(said) > 0 {
		r.Request.Settings = said
	}
	version, epoch := d.text(), d.number()
	if d.refuse(epoch > maxEpoch); !d.wrong {
		r.Epoch = int64(epoch)
		r.Version = lengthen(version, r.Commit, r.Epoch)
	}
	r.Print = d.print()
	return r
}
