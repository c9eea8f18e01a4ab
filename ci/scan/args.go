package scan

import "time"

// Args are the scanner's arguments in a folder that holds image, an OCI layout with one
// image, and cache, a folder that Fetch returned. It writes report.json there.
//
// Each of its own settings files is named, so that none that lies about is read: an
// empty configuration, nothing to ignore, and the secret rules that it was built with.
// All severities are wanted and no findings end it with an error: what fails is for the
// policy to say, and a code that is not 0 means that it broke down.
func Args(wait time.Duration) []string {
	return []string{
		"image", "--input", "image",
		"--config", nothing, "--ignorefile", nothing, "--secret-config", "",
		"--scanners", "vuln,secret", "--image-config-scanners", "secret",
		"--pkg-types", "os,library", "--severity", "UNKNOWN,LOW,MEDIUM,HIGH,CRITICAL",
		"--list-all-pkgs", "--show-suppressed", "--format", "json", "--output", "report.json",
		"--exit-code", "0", "--exit-on-eol", "0",
		"--cache-dir", "cache", "--cache-backend", "memory",
		"--skip-db-update", "--skip-java-db-update", "--skip-vex-repo-update", "--offline-scan",
		"--skip-version-check", "--disable-telemetry", "--no-progress", "--timeout", wait.String(),
	}
}

// nothing is a file that is there on every machine that scans, and empty.
const nothing = "/dev/null"
