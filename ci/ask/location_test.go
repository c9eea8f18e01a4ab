package ask_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/ask"
)

func TestCheckLocation_LeadsNobodyInside(t *testing.T) {
	t.Parallel()
	const public, private, here = "https://registry.example.com/v2/", "https://10.1.2.3/v2/", "http://localhost:5000/v2/"
	for _, tt := range []struct {
		from, to string
		allowed  bool
	}{
		{public, "https://cdn.example.com/x", true},
		{public, "https://registry.example.com:8443/x", true},
		{public, "http://registry.example.com/x", false},
		{public, "https://10.1.2.3/x", false},
		{public, "https://localhost/x", false},
		{public, "https://LOCALHOST./x", false},
		{public, "https://a.localhost/x", false},
		{public, "https://2130706433/x", false},
		{public, "https://0x7f.1/x", false},
		{public, "https://127.1/x", false},
		{public, "https://[::ffff:10.0.0.1]/x", false},
		{public, "https://[fe80::1%25eth0]/x", false},
		{public, "https://169.254.169.254/x", false},
		{public, "https://1.2.3.4/x", true},
		{public, "file:///etc/passwd", false},
		{here, "file:///etc/passwd", false},
		{here, "http://127.0.0.1:9000/x", true},
		{here, "http://169.254.169.254/x", false},
		{private, "https://10.9.9.9/x", true},
		{private, "https://169.254.169.254/x", false},
		{private, "https://0xa9fea9fe/x", false},
	} {
		from, err := url.Parse(tt.from)
		require.NoError(t, err)
		to, err := url.Parse(tt.to)
		require.NoError(t, err)
		require.Equal(t, tt.allowed, ask.CheckLocation(from, to) == nil, "%s to %s", tt.from, tt.to)
	}
}
