package inspect_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"debug/elf"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/finding"
	"example.com/slipway/ci/inspect"
)

func TestJudge_FindsNothingInACleanImage(t *testing.T) {
	t.Parallel()
	s := clean(t)
	s.options.Expect = &inspect.Expect{BaseLayers: 1, Paths: []string{"/app/server"}}
	r := s.report(t)
	require.Empty(t, inspect.Judge(r, s.policy))
	require.NotNil(t, inspect.Judge(r, s.policy), "in JSON no findings are a list")
}

// mutation is a change to a clean image that breaks one rule.
type mutation struct {
	id, says string
	change   func(*testing.T, *spec)
}

// Each rule has an image that breaks it and no other.
func TestJudge_FindsEachBrokenRule(t *testing.T) {
	t.Parallel()
	for _, c := range mutations() {
		t.Run(c.id+" "+c.says, func(t *testing.T) {
			t.Parallel()
			s := clean(t)
			c.change(t, s)
			found := inspect.Judge(s.report(t), s.policy)
			require.Equal(t, []string{c.id}, ids(found))
			require.Contains(t, found[0].What, c.says)
			require.NotEmpty(t, found[0].Fix)
			require.NotEmpty(t, found[0].Severity)
			require.Equal(t, finding.GateImage, found[0].Gate())
		})
	}
}

// mutations are those of the gate image.
func mutations() []mutation {
	const bundle, zones = "etc/ssl/certs/ca-certificates.crt", "usr/share/zoneinfo"
	expect := func(s *spec) { s.options.Expect = &inspect.Expect{BaseLayers: 1, Paths: []string{"app/server"}} }
	return []mutation{
		{"size-budget", "more than its budget of 1.0 kB", func(_ *testing.T, s *spec) { s.policy.Budget = 1000 }},
		{"platform-mismatch", "its index says linux/arm64 and its configuration linux/amd64", func(_ *testing.T, s *spec) { s.listed.Architecture = "arm64" }},
		{"platform-mismatch", "linux/amd64/v3", func(_ *testing.T, s *spec) { s.listed.Variant = "v3" }},
		{"unjudged", "windows", func(_ *testing.T, s *spec) { s.platform.OS, s.listed.OS = "windows", "windows" }},
		{"user-root", "root", func(_ *testing.T, s *spec) { s.config.User = "" }},
		{"user-root", "root", func(_ *testing.T, s *spec) { s.config.User = "0:65532" }},
		{"user-root", "root", func(_ *testing.T, s *spec) { s.config.User = "root" }},
		{"user-root", "root", func(t *testing.T, s *spec) {
			s.add(t, file("etc/passwd", 0o644, "toor:x:0:0:::\n"))
			s.config.User = "toor"
		}},
		{"user-name", `"nonroot:nonroot"`, func(_ *testing.T, s *spec) { s.config.User = "nonroot:nonroot" }},
		{"user-unknown", `"nobodyknows"`, func(_ *testing.T, s *spec) { s.config.User = "nobodyknows" }},
		{"user-unknown", `"65532:nogroup"`, func(_ *testing.T, s *spec) { s.config.User = "65532:nogroup" }},
		{"shell", "/usr/bin/dash", func(t *testing.T, s *spec) {
			s.add(t, file("usr/bin/dash", 0o755, "x"), link("usr/bin/sh", "dash"))
		}},
		{"shell", "/usr/lib/busybox", func(t *testing.T, s *spec) {
			s.add(t, file("usr/lib/busybox", 0o755, "x"), link("bin/ash", "/usr/lib/busybox"))
		}},
		{"shell", "/opt/bin/bash", func(t *testing.T, s *spec) {
			s.config.Env = append(s.config.Env, "PATH=/opt/bin")
			s.add(t, file("opt/bin/bash", 0o755, "x"))
		}},
		{"setuid", "/usr/bin/su", func(t *testing.T, s *spec) { s.add(t, file("usr/bin/su", 0o4755, "x")) }},
		{"setuid", "/usr/bin/wall", func(t *testing.T, s *spec) { s.add(t, file("usr/bin/wall", 0o2755, "x")) }},
		{"world-writable", "/data", func(t *testing.T, s *spec) { s.add(t, dir("data", 0o1777)) }},
		{"world-writable", "/etc/hosts", func(t *testing.T, s *spec) { s.add(t, file("etc/hosts", 0o666, "x")) }},
		{"world-writable", "/tmp", func(t *testing.T, s *spec) { s.add(t, dir("tmp", 0o777)) }},
		{"entrypoint-none", "no entrypoint", func(_ *testing.T, s *spec) { s.config.Entrypoint = nil }},
		{"entrypoint-relative", `"app/server"`, func(_ *testing.T, s *spec) { s.config.Entrypoint, s.config.WorkingDir = []string{"app/server"}, "/" }},
		{"entrypoint-relative", `"server"`, func(_ *testing.T, s *spec) {
			s.config.Entrypoint, s.config.Env = []string{"server"}, []string{"PATH=/bin:/app"}
		}},
		{"entrypoint-missing", `"/app/serve"`, func(_ *testing.T, s *spec) { s.config.Entrypoint = []string{"/app/serve"} }},
		{"entrypoint-missing", `"/app/server"`, func(t *testing.T, s *spec) { s.add(t, file("app/.wh.server", 0, "")) }},
		{"entrypoint-missing", `"/app/loop"`, func(t *testing.T, s *spec) {
			s.add(t, link("app/loop", "loop"))
			s.config.Entrypoint = []string{"/app/loop"}
		}},
		{"entrypoint-irregular", `"/app"`, func(_ *testing.T, s *spec) { s.config.Entrypoint = []string{"/app"} }},
		{"entrypoint-not-executable", `"/app/server"`, func(t *testing.T, s *spec) { s.add(t, file("app/server", 0o644, string(s.program))) }},
		{"entrypoint-not-executable", `"/app/server"`, func(t *testing.T, s *spec) { s.add(t, file("app/server", 0o744, string(s.program))) }},
		{"entrypoint-not-executable", "may not run", func(t *testing.T, s *spec) { s.add(t, dir("app", 0o700)) }},
		{"binary-not-elf", "no ELF program", func(_ *testing.T, s *spec) { s.program = []byte("#!/bin/sh\n") }},
		{"binary-unread", "no well-formed", func(_ *testing.T, s *spec) { s.program = []byte("\x7fELF" + strings.Repeat("\xff", 99)) }},
		{"binary-unread", "larger", func(_ *testing.T, s *spec) { s.options.Limits.Program = 50 }},
		{"binary-architecture", "for arm64 and the image for linux/amd64", func(_ *testing.T, s *spec) { s.program = program(elf.EM_AARCH64, "") }},
		{"binary-dynamic", "needs /lib64/ld-linux-x86-64.so.2, libc.so.6", func(_ *testing.T, s *spec) {
			s.program = program(elf.EM_X86_64, "/lib64/ld-linux-x86-64.so.2", "libc.so.6")
		}},
		{"certificates-missing", "no certificates", func(t *testing.T, s *spec) { s.add(t, file("etc/ssl/certs/.wh.ca-certificates.crt", 0, "")) }},
		{"certificates-missing", "no certificates", func(_ *testing.T, s *spec) { s.config.Env = append(s.config.Env, "SSL_CERT_FILE=/none.pem") }},
		{"certificates-invalid", "/" + bundle, func(t *testing.T, s *spec) { s.add(t, file(bundle, 0o644, "")) }},
		{"certificates-invalid", "/" + bundle, func(t *testing.T, s *spec) {
			s.add(t, file(bundle, 0o644, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
		}},
		{"certificates-expired", "all 2 certificates", func(t *testing.T, s *spec) {
			s.add(t, file(bundle, 0o644, certificate(t, noon.Add(-time.Hour))+certificate(t, noon.Add(-time.Minute))))
		}},
		{"zoneinfo-missing", "/" + zones, func(t *testing.T, s *spec) { s.add(t, file("usr/share/.wh.zoneinfo", 0, "")) }},
		{"zoneinfo-invalid", "UTC", func(t *testing.T, s *spec) { s.add(t, file(zones+"/UTC", 0o644, "TZif")) }},
		{"zoneinfo-invalid", "America/New_York", func(t *testing.T, s *spec) { s.add(t, file(zones+"/America/New_York", 0o644, "")) }},
		{"zoneinfo-invalid", "America/New_York", func(t *testing.T, s *spec) {
			s.add(t, file(zones+"/.wh..wh..opq", 0, ""), link(zones+"/UTC", "Etc/UTC"), file(zones+"/Etc/UTC", 0o644, utc))
		}},
		{"files-extra", "/app/more", func(t *testing.T, s *spec) { expect(s); s.add(t, file("app/more", 0o644, "x")) }},
		{"files-extra", "/etc/passwd", func(t *testing.T, s *spec) { expect(s); s.add(t, file("etc/passwd", 0o644, "x")) }},
		{"files-missing", "/app/other", func(_ *testing.T, s *spec) { expect(s); s.options.Expect.Paths = []string{"/app/server", "app/other"} }},
		{"files-removed", "/etc/nsswitch.conf", func(t *testing.T, s *spec) { expect(s); s.add(t, file("etc/.wh.nsswitch.conf", 0, "")) }},
		{"files-removed", "/home/*", func(t *testing.T, s *spec) { expect(s); s.add(t, file("home/.wh..wh..opq", 0, "")) }},
	}
}

// What looks like a broken rule and is none.
func TestJudge_LeavesAloneWhatIsWell(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*testing.T, *spec){
		"a shell that no PATH reaches":          func(t *testing.T, s *spec) { s.add(t, file("opt/sh", 0o755, "x")) },
		"a link to a shell that is not there":   func(t *testing.T, s *spec) { s.add(t, link("bin/sh", "busybox")) },
		"a file of that name that does not run": func(t *testing.T, s *spec) { s.add(t, file("bin/sh", 0o644, "x")) },
		"a shell that a later layer removes":    func(t *testing.T, s *spec) { s.add(t, file("bin/sh", 0o755, "x")); s.add(t, file("bin/.wh.sh", 0, "")) },
		"a folder that keeps its group":         func(t *testing.T, s *spec) { s.add(t, dir("var/mail", 0o2755)) },
		"a link that everybody may write to":    func(t *testing.T, s *spec) { s.add(t, link("var/run", "/run")) },
		"/var/tmp with the sticky bit":          func(t *testing.T, s *spec) { s.add(t, dir("var/tmp", 0o1777)) },
		"what lies in /dev":                     func(t *testing.T, s *spec) { s.add(t, file("dev/null", 0o666, "")) },
		"an entrypoint in the arguments":        func(_ *testing.T, s *spec) { s.config.Entrypoint, s.config.Cmd = nil, []string{"/app/server"} },
		"a link to the program":                 func(t *testing.T, s *spec) { s.add(t, link("run", "../app/server")); s.config.Entrypoint[0] = "/run" },
		"a hard link to the program":            func(t *testing.T, s *spec) { s.add(t, hardLink("run", "app/server")); s.config.Entrypoint[0] = "/run" },
		"a program for its owner alone":         func(t *testing.T, s *spec) { s.add(t, owned("app/server", 0o700, 65532, 0, string(s.program))) },
		"a program for its group alone":         func(t *testing.T, s *spec) { s.add(t, owned("app/server", 0o710, 0, 65532, string(s.program))) },
		"the user's second group":               secondGroup,
		"some expired certificates": func(t *testing.T, s *spec) {
			s.add(t, file("etc/pem.pem", 0o644, certificate(t, noon.Add(-1))+certificate(t, noon.Add(time.Hour))))
			s.config.Env = []string{"SSL_CERT_FILE=/etc/pem.pem"}
		},
		"a bundle that is a link": func(t *testing.T, s *spec) {
			s.add(t, file("etc/ssl/certs/.wh.ca-certificates.crt", 0, ""), file("opt/all.pem", 0o644, certificate(t, noon.Add(time.Hour))), link("etc/ssl/cert.pem", "../../opt/all.pem"))
		},
		"no budget":                              func(_ *testing.T, s *spec) { s.policy.Budget = -1 },
		"no platform in the index":               func(_ *testing.T, s *spec) { s.listed = nil },
		"a variant that everybody writes anyway": func(_ *testing.T, s *spec) { s.listed.Variant = "v1" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := clean(t)
			change(t, s)
			require.Empty(t, inspect.Judge(s.report(t), s.policy))
		})
	}
}

func secondGroup(t *testing.T, s *spec) {
	s.add(t, owned("app/server", 0o710, 0, 7, string(s.program)), file("etc/group", 0o644, "ships:x:7:x,nonroot\n"))
	s.config.User = "65532"
}

func owned(name string, mode int64, uid, gid int, body string) entry {
	e := file(name, mode, body)
	e.Uid, e.Gid = uid, gid
	return e
}

// Programs that bring their own certificates and zones need none in the image.
func TestJudge_KnowsWhatAProgramBrings(t *testing.T) {
	t.Parallel()
	s := clean(t)
	s.add(t, file("usr/share/.wh.zoneinfo", 0, ""), file("etc/ssl/certs/.wh.ca-certificates.crt", 0, ""))
	r := s.report(t)
	require.Equal(t, []string{"certificates-missing", "zoneinfo-missing"}, ids(inspect.Judge(r, s.policy)))
	r.Images[0].Programs[0].Go = &inspect.Go{Packages: []inspect.Weight{
		{Name: "time/tzdata"}, {Name: "golang.org/x/crypto/x509roots/fallback"},
	}}
	require.Empty(t, inspect.Judge(r, s.policy))
}

func TestCompare_CountsByPlatform(t *testing.T) {
	t.Parallel()
	before, now := clean(t), clean(t)
	now.program = append(now.program, make([]byte, 5000)...)
	old := before.report(t)
	grown := inspect.Compare(now.report(t), old)
	require.Len(t, grown, 1)
	require.Equal(t, int64(5000), grown[0].Binary.By())
	require.Positive(t, grown[0].Total.By())
	before.platform, before.listed = v1.Platform{OS: "linux", Architecture: "arm64"}, nil
	grown = inspect.Compare(now.report(t), before.report(t))
	require.Zero(t, grown[0].Total.Before)
}

// utc is the smallest file of a time zone.
const utc = "TZif\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" +
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x04" + "\x00\x00\x00\x00\x00\x00UTC\x00"

func certificate(t *testing.T, end time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: end.Add(-24 * time.Hour), NotAfter: end, IsCA: true}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
