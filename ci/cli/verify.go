package cli

import (
	"cmp"
	"context"
	"maps"
	"os"
	"slices"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"example.com/slipway/ci/config"
	"example.com/slipway/ci/image"
	"example.com/slipway/ci/plan"
	"example.com/slipway/ci/registry"
	"example.com/slipway/ci/registry/auth"
	"example.com/slipway/ci/verify"
)

// verification is what the flags of verify and reproduce say.
type verification struct {
	keys, identities, patterns []string
	issuer, root, policy       string
	builders, sources          []string
	commit                     string
	unsigned, rebuild, json    bool
	// only leaves out what a rebuild does not need.
	only  bool
	flags *config.Flags
}

// rebuilding are the settings that count where an image is read and built again: all
// others are those of its plan.
var rebuilding = []string{"engine", "engine-host", "mirror", "files", "allow-exec", "registry-token-file", "plain-http"}

func (s *session) verifyVerb() *cobra.Command {
	v := &verification{}
	cmd := &cobra.Command{
		Use:   "verify IMAGE",
		Short: "Hold a published image against what is expected: signature, provenance, SBOM, content",
		Long: "Verify reads an image in a registry, every byte of it, and what is attached to it: that its\n" +
			"parts have their digests, that it is hardened and within its budget, who signed it, that its\n" +
			"provenance is about these images and its plan is theirs, that its SBOMs list what is in them.\n" +
			"Every check is shown; one that fails makes the exit code 20.\n\n" +
			"Who counts is said by --key, by --identity with --issuer, or by a policy:\n\n" +
			"  keys: [release.pub]\n" +
			"  identities:\n" +
			"    - issuer: https://token.actions.githubusercontent.com\n" +
			"      identity-regexp: https://github\\.com/team/tide/\\.github/workflows/release\\.yml@refs/tags/.*\n" +
			"  builders: [https://github.com/team/tide/.github/workflows/release.yml@refs/heads/main]\n" +
			"  sources: [https://github.com/team/tide]\n" +
			"  budget: 15MB\n" +
			"  require: [signature, provenance, sbom, scan]\n\n" +
			"With --rebuild it is built again from the recorded commit, which is taken from the repository\n" +
			"of --src or fetched from the recorded one, and has to have the same digest.",
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().BoolVar(&v.rebuild, "rebuild", false, "build the image again from the recorded commit and compare digests")
	v.bind(cmd.Flags(), append(rebuilding, "budget")...)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return s.verify(cmd.Context(), args[0], v) }
	return cmd
}

// bind adds the flags of a verification, and the settings of those names.
func (v *verification) bind(flags *pflag.FlagSet, settings ...string) {
	flags.StringArrayVar(&v.keys, "key", nil, "file of a public key whose signatures count, or env:// and the variable that has it")
	flags.StringArrayVar(&v.identities, "identity", nil, "identity whose certificates count, such as the address of a workflow with its ref")
	flags.StringArrayVar(&v.patterns, "identity-regexp", nil, "regular expression for all of such an identity")
	flags.StringVar(&v.issuer, "issuer", "", "OIDC issuer of these identities")
	flags.StringVar(&v.root, "trusted-root", "", "file with the authorities and logs that are trusted; the default is Sigstore's public instance")
	flags.StringVar(&v.policy, "policy", "", "file that says who counts and what is required; a flag replaces what it says")
	flags.StringArrayVar(&v.builders, "expect-builder", nil, "builder that may have built it")
	flags.StringArrayVar(&v.sources, "expect-source", nil, "address of a repository that it may be built from")
	flags.StringVar(&v.commit, "expect-commit", "", "commit that it has to be built from")
	flags.BoolVar(&v.unsigned, "insecure-unsigned", false, "believe what is said of the image whoever says it")
	flags.BoolVar(&v.json, "json", false, "print JSON")
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	v.flags = config.Bind(all)
	for _, name := range settings {
		flags.AddFlag(all.Lookup(name))
	}
}

func (s *session) verify(ctx context.Context, text string, v *verification) error {
	ref, err := verify.Parse(text)
	if err != nil {
		return err
	}
	said, err := config.Gather(nil, s.getenv, v.flags)
	if err != nil {
		return err
	}
	o, err := s.verifyOptions(ctx, ref, v, said)
	if err != nil {
		return err
	}
	r, err := verify.Verify(ctx, ref, o)
	s.screen().Close()
	if r == nil {
		return err
	}
	if err := s.printVerified(r, v.json); err != nil {
		return err
	}
	return cmp.Or(r.Err(), err)
}

func (s *session) verifyOptions(ctx context.Context, ref name.Reference, v *verification, said *config.Said) (verify.Options, error) {
	o := verify.Options{
		Unsigned: v.unsigned, Only: v.only, Source: s.path(s.src), Env: s.Env, Reporter: s.screen(), PlainHTTP: said.PlainHTTP,
	}
	var err error
	if o.Trust, err = s.trust(v, said); err != nil {
		return o, err
	}
	if o.Keychain, err = s.keychain(ref, said); err != nil {
		return o, err
	}
	if o.Repository, err = registry.Open(ref.Context().Name(), registry.Options{Keychain: o.Keychain, PlainHTTP: said.PlainHTTP}); err != nil {
		return o, err
	}
	if v.unsigned {
		s.screen().Note("--insecure-unsigned: what is said of this image is believed whoever says it")
	} else if o.Verifier, err = s.verifier(ctx, v, o.Trust); err != nil {
		return o, err
	}
	if v.rebuild {
		o.Build = func(ctx context.Context, dir string, recorded plan.Image) (*image.Index, error) {
			return s.again(ctx, v.flags, dir, recorded)
		}
	}
	return o, nil
}

// keychain has the credentials of the image's registry.
func (s *session) keychain(ref name.Reference, said *config.Said) (authn.Keychain, error) {
	var files []string
	for _, host := range slices.Sorted(maps.Keys(said.TokenFile)) {
		files = append(files, host+"="+s.path(said.TokenFile[host]))
	}
	return auth.Keychain(auth.Options{Getenv: s.getenv, Environ: s.Env, Targets: []string{ref.Context().RegistryStr()}, TokenFiles: files})
}

// again builds the image of a recorded plan from a checkout, with nothing that an
// earlier build left: that is what is to be compared.
func (s *session) again(ctx context.Context, flags *config.Flags, dir string, recorded plan.Image) (*image.Index, error) {
	p, err := s.pipeline()
	if err != nil {
		return nil, err
	}
	fresh, err := os.MkdirTemp("", "slipway-again-")
	if err != nil {
		return nil, unwritable(err)
	}
	defer os.RemoveAll(fresh)
	p.Dir, p.Cache, p.Fresh = dir, fresh, fresh
	b, err := p.Rebuild(ctx, s.said(flags), recorded)
	if err != nil {
		return nil, err
	}
	return b.Images[0].Index, nil
}

// printVerified writes a report to stdout.
func (s *session) printVerified(r *verify.Report, asJSON bool) error {
	if asJSON {
		return s.printJSON(r)
	}
	width, color := s.page()
	return r.Text(s.Stdout, verify.TextOptions{Width: width, Color: color})
}
