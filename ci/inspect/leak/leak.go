// Package leak finds in bytes that pass by what no image should hold: secrets, by
// their form or the name of their file, and names of the machine that built it.
//
// It tells which rule was broken and where, and never hands out what it found.
package leak

// Rule names a rule. It is part of a finding's ID and never changes.
type Rule string

// The rules. Those from PrivateKey on go by what bytes look like.
const (
	EnvFile         Rule = "env-file"
	GitFolder       Rule = "git"
	CredentialsFile Rule = "credentials-file"
	KeyFile         Rule = "key-file"

	PrivateKey  Rule = "private-key"
	AgeKey      Rule = "age-key"
	AWSKey      Rule = "aws-key"
	GitHubToken Rule = "github-token"
	GitLabToken Rule = "gitlab-token"
	SlackToken  Rule = "slack-token"
	GoogleKey   Rule = "google-key"
	StripeKey   Rule = "stripe-key"
	NPMToken    Rule = "npm-token"
	PyPIToken   Rule = "pypi-token"
	DockerToken Rule = "docker-token"
	DockerAuth  Rule = "docker-auth"
	VaultToken  Rule = "vault-token"
	URLPassword Rule = "url-password"
	// JWT is judged in what an image says of itself only: programs and web pages hold
	// tokens that are public.
	JWT Rule = "jwt"

	BuildPath   Rule = "build-path"
	MachineName Rule = "machine-name"
)

// Match is where a rule is broken in a text. Start and End bound what is secret.
type Match struct {
	Rule Rule
	// What says it in words for the user: a GitHub token, the home folder.
	What       string
	Start, End int
}

// Found is how often a rule is broken in bytes that passed by.
type Found struct {
	Rule  Rule
	What  string
	Count int
}
