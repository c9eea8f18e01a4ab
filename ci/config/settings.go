// Package config turns what a user said, in flags, the environment and
// .slipway.yaml, and what ci/project found into one validated plan. It knows where
// each value came from.
package config

import (
	"slices"

	"example.com/slipway/ci/plan"
)

// Settings are the things that a user can say. The same word is the key in
// .slipway.yaml, the flag, and, in capitals after SLIPWAY_, the variable.
type Settings struct {
	// What is built.
	Main    []string
	PerMain bool
	Tags    []string
	Set     map[string]string
	Strip   string
	Debug   bool
	Builder string
	Version string
	Epoch   string

	// What the image is.
	Name        string
	Platform    []string
	Base        string
	Certs       string
	User        string
	Workdir     string
	Env         map[string]string
	Args        []string
	Files       map[string]string
	Capability  []string
	Port        []string
	StopSignal  string
	Label       map[string]string
	Annotation  map[string]string
	Title       string
	Description string
	URL         string
	Source      string
	Licenses    string
	Compression string

	// What is done with it.
	Engine     string
	EngineHost string
	Mirror     map[string]string
	Output     string
	Budget     string
	Target     []string
	Test       []string

	// Which caches of the go command are carried over.
	CacheFrom    string
	CacheTo      string
	CacheLimit   string
	CacheTrusted bool
	// Who has to have signed them, and who signs them.
	CacheKey     []string
	CacheSignKey string

	// Where it is published, under which names, and how.
	ImageTag  Lines
	Ref       string
	Overwrite bool
	TokenFile map[string]string
	PlainHTTP []string
	Attest    map[string]string
	Sign      string
	SignKey   string
	// Where to sign without a key.
	SigningConfig string
	TrustedRoot   string

	// PreBuild can be said in the configuration file only.
	PreBuild  [][]string
	AllowExec bool

	// How it is judged.
	Severity string
	Unknown  string
	Unfixed  string
	Reach    string
	Flaky    string
	VEX      []string
	// Exceptions can be said in the configuration file only.
	Exceptions []plan.Exception
	Health     string
	Smoke      bool
	SmokeEnv   map[string]string
	SmokeArgs  []string
	Scanner    string
	TrivyDB    []string
	TrivyDBAge string
	VulnDB     string
}

// Lines are values that have commas of their own: a flag says one at a time, and a
// variable, or a text in the configuration file, has one a line.
type Lines []string

// key is one of the things that a user can say.
type key struct {
	name string
	// env replaces the variable's name where a specification gives one.
	env  string
	help string
	// field is where its value goes: *string, *bool, *[]string, *Lines,
	// *map[string]string, or *[][]string or *[]plan.Exception, which only the configuration file can hold.
	field func(*Settings) any
	// machine says that the source must not say it of itself, in its file.
	machine bool
	// secret says that its value, or what it names, is for nobody else to see.
	secret bool
}

// keys lists every key in the order of the documentation.
func keys() []key {
	return slices.Concat(buildKeys(), imageKeys(), runKeys(), cacheKeys(), publishKeys(), gateKeys())
}

func buildKeys() []key {
	return []key{
		{name: "main", help: "folder of package main to build, such as ./cmd/server; several go into one image, all makes an image for each; the default is the only one", field: func(s *Settings) any { return &s.Main }},
		{name: "per-main", help: "make an image for each main instead of one with all of them", field: func(s *Settings) any { return &s.PerMain }},
		{name: "tags", help: "Go build tags", field: func(s *Settings) any { return &s.Tags }},
		{name: "set", help: "string variable set by the linker, as importpath.name=value", field: func(s *Settings) any { return &s.Set }},
		{name: "strip", help: "what to leave out of the binary: full, dwarf or none (default full)", field: func(s *Settings) any { return &s.Strip }},
		{name: "debug", help: "build for a debugger: with symbols and without optimisation", field: func(s *Settings) any { return &s.Debug }},
		{name: "builder", help: "image of the Go release that builds, as golang:TAG@sha256:...", field: func(s *Settings) any { return &s.Builder }},
		{name: "version", help: "version of the source; the default is its tag, or a Go pseudo-version of its commit", field: func(s *Settings) any { return &s.Version }},
		{name: "epoch", env: "SOURCE_DATE_EPOCH", help: "time of the image and of the files added to it, in seconds since 1970; the default is the commit's", field: func(s *Settings) any { return &s.Epoch }},
	}
}

func imageKeys() []key {
	return []key{
		{name: "name", help: "name of the image; the default is the main's", field: func(s *Settings) any { return &s.Name }},
		{name: "platform", help: "platform to build for, or all that the base has (default linux/amd64,linux/arm64)", field: func(s *Settings) any { return &s.Platform }},
		{name: "base", help: "image to stand on, as NAME:TAG@sha256:..., or builtin, or scratch", field: func(s *Settings) any { return &s.Base }},
		{name: "certs", help: "bundled adds CA certificates and time zones for a base without them", field: func(s *Settings) any { return &s.Certs }},
		{name: "user", help: "numeric user and group that the program runs as (default 65532:65532)", field: func(s *Settings) any { return &s.User }},
		{name: "workdir", help: "folder that the program starts in; the default is the base's", field: func(s *Settings) any { return &s.Workdir }},
		{name: "env", help: "environment variable of the image, as NAME=value", field: func(s *Settings) any { return &s.Env }},
		{name: "args", help: "arguments that the program gets when nobody gives any", field: func(s *Settings) any { return &s.Args }},
		{name: "files", help: "file or folder of the source folder that goes into the image, as /place/in/image=./source", field: func(s *Settings) any { return &s.Files }},
		{name: "capability", help: "file capability of the first main, such as cap_net_bind_service", field: func(s *Settings) any { return &s.Capability }},
		{name: "port", help: "port that the program listens on, such as 8080 or 53/udp", field: func(s *Settings) any { return &s.Port }},
		{name: "stop-signal", help: "signal that stops the program (default SIGTERM)", field: func(s *Settings) any { return &s.StopSignal }},
		{name: "label", help: "label of the image, as key=value", field: func(s *Settings) any { return &s.Label }},
		{name: "annotation", help: "annotation of the index and the manifests, as key=value", field: func(s *Settings) any { return &s.Annotation }},
		{name: "title", help: "title of the image; the default is its name", field: func(s *Settings) any { return &s.Title }},
		{name: "description", help: "description of the image", field: func(s *Settings) any { return &s.Description }},
		{name: "url", help: "web page of the image", field: func(s *Settings) any { return &s.URL }},
		{name: "source", help: "address of the source; the default is the module's path", field: func(s *Settings) any { return &s.Source }},
		{name: "licenses", help: "licences of the source, as an SPDX expression", field: func(s *Settings) any { return &s.Licenses }},
		{name: "compression", help: "compression of the layers: gzip, or zstd, which is smaller and not read by older runtimes (default gzip)", field: func(s *Settings) any { return &s.Compression }},
	}
}

func runKeys() []key {
	return []key{
		{name: "engine", help: "where to build: dagger, local, or auto, which takes a Dagger engine where one is at hand (default auto)", field: func(s *Settings) any { return &s.Engine }},
		{name: "engine-host", help: "address of the Dagger engine: unix://, tcp://, tls://, ssh://, kube-pod:// or image://", machine: true, field: func(s *Settings) any { return &s.EngineHost }},
		{name: "mirror", help: "registry to ask in another's place, as gcr.io=127.0.0.1:5000", field: func(s *Settings) any { return &s.Mirror }},
		{name: "output", help: "folder for the images (default .slipway)", field: func(s *Settings) any { return &s.Output }},
		{name: "budget", help: "size that an image may have, compressed (default 15MB)", field: func(s *Settings) any { return &s.Budget }},
		{name: "test", help: "packages to vet and test, as patterns of the go command (default ./...)", field: func(s *Settings) any { return &s.Test }},
		{name: "pre-build", help: "commands to run in the source folder before a build, as lists of arguments; they need --allow-exec", field: func(s *Settings) any { return &s.PreBuild }},
		{name: "allow-exec", help: "let the commands of pre-build run on this machine", machine: true, field: func(s *Settings) any { return &s.AllowExec }},
	}
}

func cacheKeys() []key {
	return []key{
		{name: "cache-from", help: "repository, or folder as ./FOLDER, to restore the go command's caches from before a build; publish does not, without --cache-key or --cache-trusted", machine: true, field: func(s *Settings) any { return &s.CacheFrom }},
		{name: "cache-to", help: "repository, or folder as ./FOLDER, to save them to after a run that ends well, if enough is new", machine: true, field: func(s *Settings) any { return &s.CacheTo }},
		{name: "cache-limit", help: "size that such a cache may have, compressed (default 1GB)", machine: true, field: func(s *Settings) any { return &s.CacheLimit }},
		{name: "cache-trusted", help: "let publish build from a restored cache: all who can write to it can change what is published", machine: true, field: func(s *Settings) any { return &s.CacheTrusted }},
		{name: "cache-key", help: "file of a public key, or env:// and the variable that has it, of which one has to have signed a cache that is restored", machine: true, field: func(s *Settings) any { return &s.CacheKey }},
		{name: "cache-sign-key", help: "file of the private key, or env:// and the variable that has it, that signs what is saved; without --cache-key it also has to have signed what is restored", machine: true, secret: true, field: func(s *Settings) any { return &s.CacheSignKey }},
	}
}

func publishKeys() []key {
	return []key{
		{name: "target", help: "repository that publish pushes to, such as ghcr.io/team/server; where there are several images, each goes to a repository of its name below", field: func(s *Settings) any { return &s.Target }},
		{name: "image-tag", help: "tag of the image, or rule for tags as docker/metadata-action has them, such as type=semver,pattern={{version}}; the default follows the version, else the branch and the commit", field: func(s *Settings) any { return &s.ImageTag }},
		{name: "ref", help: "what is checked out, for rules about it: refs/heads/main, refs/tags/v1.2.3 or refs/pull/7/merge; the default is what git says, in GitHub Actions what started the job", machine: true, field: func(s *Settings) any { return &s.Ref }},
		{name: "overwrite", help: "let a tag that does not move, such as 1.2.3, get another image", machine: true, field: func(s *Settings) any { return &s.Overwrite }},
		{name: "registry-token-file", help: "file with the token of a registry, as ghcr.io=/run/secrets/token", machine: true, secret: true, field: func(s *Settings) any { return &s.TokenFile }},
		{name: "plain-http", help: "registry that is asked without TLS, as HOST:PORT; those of this machine may be anyway", machine: true, field: func(s *Settings) any { return &s.PlainHTTP }},
		{name: "attest", help: "what an attestation does that a registry does not take, as ghcr.io=warn: warn or fail, or off for none (default fail)", machine: true, field: func(s *Settings) any { return &s.Attest }},
		{name: "sign", help: "how to sign: key, keyless with the identity of a CI job, off, or auto, which takes what is there (default auto)", machine: true, field: func(s *Settings) any { return &s.Sign }},
		{name: "sign-key", help: "file of the private key, or env:// and the variable that has it", machine: true, secret: true, field: func(s *Settings) any { return &s.SignKey }},
		{name: "signing-config", help: "file that says where to sign without a key; the default is Sigstore's public instance", machine: true, field: func(s *Settings) any { return &s.SigningConfig }},
		{name: "trusted-root", help: "file with the authorities and logs that such signatures are trusted by", machine: true, field: func(s *Settings) any { return &s.TrustedRoot }},
	}
}

func gateKeys() []key {
	return []key{
		{name: "severity", help: "lowest severity that stops an image: critical, high, medium or low (default high)", field: func(s *Settings) any { return &s.Severity }},
		{name: "unknown", help: "what a vulnerability does that nobody has rated yet, as the freshest are: fail or note (default fail)", field: func(s *Settings) any { return &s.Unknown }},
		{name: "unfixed", help: "what a vulnerability does that no version fixes: fail or note (default note)", field: func(s *Settings) any { return &s.Unfixed }},
		{name: "reach", help: "which vulnerable Go code stops an image: all, or called, by the program or for all that is known (default all)", field: func(s *Settings) any { return &s.Reach }},
		{name: "flaky", help: "what a test does that failed and passed when it was run again: fail or note (default fail)", field: func(s *Settings) any { return &s.Flaky }},
		{name: "vex", help: "OpenVEX document in the source folder that says what does not affect the image", field: func(s *Settings) any { return &s.VEX }},
		{name: "exceptions", help: "findings to accept for a while, each with id, reason, owner and expires, and package where it holds for one only", field: func(s *Settings) any { return &s.Exceptions }},
		{name: "health", help: "path that the program answers with a status of 200 to 299 once it is up, such as /healthz; the default is that it takes connections", field: func(s *Settings) any { return &s.Health }},
		{name: "smoke", help: "start the image once and stop it (default true)", field: func(s *Settings) any { return &s.Smoke }},
		{name: "smoke-env", help: "environment variable for that start, as NAME=value", field: func(s *Settings) any { return &s.SmokeEnv }},
		{name: "smoke-args", help: "arguments for that start, in the place of the image's own", field: func(s *Settings) any { return &s.SmokeArgs }},
		{name: "scanner", help: "image of the scanner, as NAME:TAG@sha256:..., for engines that run containers", machine: true, field: func(s *Settings) any { return &s.Scanner }},
		{name: "trivy-db", help: "repository of the scanner's database; where several are named, the next is asked when one fails", machine: true, field: func(s *Settings) any { return &s.TrivyDB }},
		{name: "trivy-db-age", help: "how old that database may be, in whole hours (default 72h)", machine: true, field: func(s *Settings) any { return &s.TrivyDBAge }},
		{name: "vulndb", help: "database of vulnerable functions: an https URL, or a folder (default https://vuln.go.dev)", machine: true, field: func(s *Settings) any { return &s.VulnDB }},
	}
}

// Origin says where a value came from: a flag, a variable, a line of the
// configuration file, or how it was found.
type Origin string

// Defaults of what nobody said.
const (
	defaultUser   = "65532:65532"
	defaultStrip  = "full"
	defaultOutput = ".slipway"
	defaultBudget = "15MB"
	defaultCache  = "1GB"
	defaultSign   = "auto"

	defaultSeverity    = "high"
	defaultUnknown     = "fail"
	defaultUnfixed     = "note"
	defaultReach       = "all"
	defaultFlaky       = "fail"
	defaultDatabaseAge = "72h"
	defaultVulnDB      = "https://vuln.go.dev"
)

// defaultDatabases are where Trivy's own database is published.
func defaultDatabases() []string {
	return []string{"mirror.gcr.io/aquasec/trivy-db", "ghcr.io/aquasecurity/trivy-db", "public.ecr.aws/aquasecurity/trivy-db"}
}

// defaultPlatforms are what a base must have when nobody names platforms.
func defaultPlatforms() []plan.Platform {
	return []plan.Platform{{OS: "linux", Arch: "amd64"}, {OS: "linux", Arch: "arm64"}}
}
