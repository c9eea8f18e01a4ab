// Package distconsts stands in for github.com/dagger/dagger/engine/distconsts, which
// is not published as a module: it says where things lie in the engine's root file
// system. ci/engine/native embeds this source and builds the engine with it.
package distconsts

// Programs in the engine's root file system.
const (
	RuncPath       = "/usr/sbin/runc"
	DaggerInitPath = "/usr/local/bin/dagger-init"
)

// Places and names of the engine.
const (
	EngineContainerName              = "dagger-engine.dev"
	EngineCustomCACertsDir           = "/usr/local/share/ca-certificates"
	EngineDefaultStateDir            = "/var/lib/dagger"
	EngineContainerBuiltinContentDir = "/usr/local/share/dagger/content"
	DefaultEngineSockAddr            = "unix:///run/dagger/engine.sock"
)

// Variables of the engine that hold the digests of its embedded images.
const (
	GoSDKManifestDigestEnvName         = "DAGGER_GO_SDK_MANIFEST_DIGEST"
	PythonSDKManifestDigestEnvName     = "DAGGER_PYTHON_SDK_MANIFEST_DIGEST"
	TypescriptSDKManifestDigestEnvName = "DAGGER_TYPESCRIPT_SDK_MANIFEST_DIGEST"
)

// OCIVersionAnnotation is org.opencontainers.image.version of the OCI image
// specification's predefined annotation keys.
const OCIVersionAnnotation = "org.opencontainers.image.version"

// Images that Dagger names where nobody else does.
const (
	AlpineVersion = "3.22"
	AlpineImage   = "alpine:" + AlpineVersion
	GolangImage   = "golang:1.26-alpine"
	BusyboxImage  = "busybox:1.37"
)
