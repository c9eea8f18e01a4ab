package tag_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/tag"
)

func TestParse_SaysWhatToWriteInstead(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"":                                     "not a list of attributes",
		"type=schedule":                        "clock",
		"type=schedule,pattern=nightly":        "--image-tag nightly",
		"type=pep440,pattern={{version}}":      "write type=semver",
		"type=semantic":                        `no type "semantic": the types are semver`,
		"type=":                                `no type ""`,
		"type=semver":                          "type=semver needs pattern: add pattern=",
		"type=match":                           "needs pattern",
		"type=ref":                             "needs event",
		"type=ref,event=push":                  "event=push is no event: write event=branch, event=tag or event=pr",
		"type=raw":                             "needs value",
		"type=raw,value=":                      "needs value",
		"type=sha,format=medium":               "format=short or format=long",
		"type=sha,value=x":                     `type=sha has no "value"`,
		"type=ref,event=branch,branch=x":       `type=ref has no "branch"`,
		"type=sha,enable=yes":                  "enable=yes is neither true nor false",
		"type=sha,enable=":                     "neither true nor false",
		"latest,enable={{is_default_branch}}":  "type=edge",
		"latest,enable=${{ github.ref == 1 }}": "GitHub's workflow files",
		"type=sha,priority=high":               "no whole number",
		"type=sha,type=sha":                    "type twice",
		"a,b":                                  "value twice",
		"a,,b":                                 "without a name",
		"=a":                                   "without a name",
		"type=sha,\"prefix=a":                  "not a list of attributes",
		"a\nb":                                 "control character",
		"a\x00":                                "control character",
		strings.Repeat("x", 1001):              "longer than 1000 bytes",
		"{{date 'YYYYMMDD'}}":                  "value cannot have {{date 'YYYYMMDD'}}: it depends on the clock",
		"{{commit_date 'YYYYMMDD'}}":           "{{sha}}",
		"x,prefix={{base_ref}}-":               "prefix cannot have {{base_ref}}: it comes from the event",
		"x,suffix={{is_default_branch}}":       "type=edge",
		"{{version}}":                          "write it as the pattern of type=semver",
		"{{nothing}}":                          "it can have {{branch}}, {{tag}}, {{sha}}",
		"{{branch":                             "braces that do not fit",
		"{{{branch}}}":                         "braces that do not fit",
		"type=semver,pattern={{branch}}":       "write it as prefix or suffix",
		"type=semver,pattern={{prerelease}}":   "it can have {{raw}}, {{version}}",
		"type=edge,branch={{branch}}":          "without {{ }}",
		"type=match,pattern=" + strings.Repeat("x", 201): "longer than 200 bytes",
		"type=match,pattern=(":                           "regular expression of Go",
		"type=match,pattern=(?=x)":                       "looks neither ahead nor behind",
		"type=match,pattern=/x/g":                        "flags g: use i, m and s",
		"type=match,pattern=x,group=1":                   "pattern has no group 1",
		"type=match,pattern=x,group=-1":                  "no group -1",
		"type=match,pattern=x,group=one":                 "no group one",
		"type=semver,pattern={{raw}},match=x":            "match has no group 1",
	} {
		_, err := tag.Parse(text)
		require.ErrorContains(t, err, says, "%q", text)
		require.ErrorContains(t, err, "the image tag rule ")
		require.Equal(t, fault.Usage, fault.KindOf(err))
		var f *fault.Error
		require.ErrorAs(t, err, &f)
		require.NotEmpty(t, f.Fix)
	}
}

func TestParse_KeepsARuleAsItWasWritten(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"latest", "TYPE=sha , format=long", `type=match,"pattern=a{1,2}",value=a=b`, "type=semver,pattern=v{{ major }},enable=true,priority=-3,prefix=,suffix=-x"} {
		r, err := tag.Parse("  " + text + " ")
		require.NoError(t, err, text)
		require.Equal(t, text, r.String())
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"type=semver,pattern={{major}}.{{minor}}", `type=match,"pattern=/a{1,2}/i",group=0`, "x,enable=false", "{{sha}}{{", "type=raw,\"\"", "a=b=c"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := tag.Parse(text)
		if err != nil {
			require.Equal(t, fault.Usage, fault.KindOf(err))
			require.NotContains(t, err.Error(), "\n")
			return
		}
		again, err := tag.Parse(r.String())
		require.NoError(t, err)
		require.Equal(t, r, again)
	})
}
