package leak

import (
	"path"
	"slices"
	"strings"
)

// credentials are files in which programs keep logins, under the names by which they
// look for them: the ends of paths.
var credentials = []string{
	".netrc", "_netrc", ".npmrc", ".pypirc", ".git-credentials", ".pgpass", ".dockercfg", ".docker/config.json", ".aws/credentials", ".kube/config",
	".vault-token", ".config/gcloud/application_default_credentials.json", "service-account.json", "service_account.json", "terraform.tfstate",
}

// keys are the names of files of private keys, and stores the ends of such names.
var (
	keys   = []string{"id_rsa", "id_dsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"}
	stores = []string{".p12", ".pfx", ".jks", ".ppk", ".kdbx"}
)

// samples are ends of a .env that is made to be shown.
var samples = []string{".example", ".sample", ".template", ".dist"}

// File judges a file or folder by its absolute path. The place is the path, or the
// folder that the file is a part of.
func File(name string, folder bool) (found Found, place string, ok bool) {
	base := path.Base(name)
	under := func(end string) bool { return strings.HasSuffix(name, "/"+end) }
	is := func(rule Rule, what string) (Found, string, bool) { return Found{rule, what, 1}, name, true }
	if at := strings.Index(name+"/", "/.git/"); at >= 0 {
		return Found{GitFolder, "a git repository", 1}, name[:at+len("/.git")], true
	}
	switch {
	case folder:
	case base == ".env", strings.HasPrefix(base, ".env.") && !slices.Contains(samples, path.Ext(base)):
		return is(EnvFile, "a file of environment variables")
	case slices.ContainsFunc(credentials, under):
		return is(CredentialsFile, "a file of credentials")
	case slices.Contains(keys, base), slices.Contains(stores, path.Ext(base)):
		return is(KeyFile, "a file of private keys")
	}
	return Found{}, "", false
}
