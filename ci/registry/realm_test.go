package registry_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/registry"
)

// challenging is a registry that wants a token from an address.
func challenging(t *testing.T, realm string) (host string) {
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer moored" {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s",service="test"`, realm))
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
}

func TestRepository_GetsTokensOnAnotherPortOfThisMachine(t *testing.T) {
	t.Parallel()
	asked := make(chan *http.Request, 1)
	tokens := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- r
		fmt.Fprint(w, `{"token":"moored"}`)
	})
	r := open(t, challenging(t, "http://"+tokens+"/token?a=b"), func(o *registry.Options) {
		o.Keychain = keychain{authn.FromConfig(authn.AuthConfig{Username: "u", Password: "p"})}
	})
	_, found, err := r.Head(t.Context(), "v1")
	require.NoError(t, err)
	require.True(t, found)
	req := <-asked
	user, password, _ := req.BasicAuth()
	require.Equal(t, "u p", user+" "+password)
	require.Equal(t, tokens, req.Host)
	require.Equal(t, "b", req.URL.Query().Get("a"))
	require.Equal(t, "repository:team/server:push,pull", req.URL.Query().Get("scope"))
}

// Nobody else is sent into this machine or its network for a token, and a sentence says
// so.
func TestRepository_GetsTokensNowhereInside(t *testing.T) {
	t.Parallel()
	inside := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("somebody came") })
	for _, tt := range []struct{ registry, realm, named string }{
		{"", "http://10.1.2.3/token", "10.1.2.3"},
		{"", "http://169.254.169.254/token", "169.254.169.254"},
		{"", "http://0xa9fea9fe/token", "0xa9fea9fe"},
		{"registry.example:5000", "http://" + inside + "/token", "127.0.0.1"},
		{"registry.example:5000", "http://localhost:1/token", "localhost"},
		{"10.1.2.3:5000", "http://" + inside + "/token", "127.0.0.1"},
		{"10.1.2.3:5000", "http://10.1.2.3:5001/token", "10.1.2.3"},
	} {
		host := challenging(t, tt.realm)
		to := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == tt.registry {
				address = host
			}
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}}
		t.Cleanup(to.CloseIdleConnections)
		named := host
		if tt.registry != "" {
			named = tt.registry
		}
		r := open(t, named, func(o *registry.Options) { o.Transport, o.PlainHTTP = to, []string{tt.registry} })
		_, _, err := r.Head(t.Context(), "v1")
		require.Equal(t, fault.Registry, fault.KindOf(err), "%v", err)
		require.ErrorContains(t, err, named+" ")
		require.ErrorContains(t, err, tt.named+", which is not followed", "%+v", tt)
		require.NotContains(t, err.Error(), "usable")
	}
}
