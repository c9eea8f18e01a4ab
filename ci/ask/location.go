package ask

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// CheckRedirect follows a registry to where it keeps its layers, but neither from
// HTTPS to HTTP nor from the outside into this machine or its network.
func CheckRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return &RedirectError{What: "redirects ten times"}
	}
	return CheckLocation(via[0].URL, req.URL)
}

// CheckLocation tells whether a registry that was asked at one place may send its
// client to another; if not, the error is a *RedirectError. Link-local addresses are
// where clouds keep the credentials of their machines: nobody is sent there.
func CheckLocation(from, to *url.URL) error {
	switch {
	case to.Scheme != "https" && to.Scheme != "http" || from.Scheme == "https" && to.Scheme != "https":
		return &RedirectError{What: fmt.Sprintf("redirects from %s to %s", strings.ToUpper(from.Scheme), to.Scheme)}
	case to.Hostname() == from.Hostname():
		return nil
	case isInside(to) && !isInside(from), isLinkLocal(to):
		return &RedirectError{What: fmt.Sprintf("redirects to the private address %s", to.Hostname())}
	}
	return nil
}

func isInside(u *url.URL) bool {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	a, ok := address(host)
	return ok && (a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsLinkLocalMulticast() || a.IsUnspecified())
}

func isLinkLocal(u *url.URL) bool {
	a, ok := address(u.Hostname())
	return ok && (a.IsLinkLocalUnicast() || a.IsLinkLocalMulticast())
}

// address reads an address in every form that a resolver may understand: the
// system's reads 2130706433, 0x7f.1 and 127.1 as 127.0.0.1.
func address(host string) (netip.Addr, bool) {
	host, _, _ = strings.Cut(host, "%")
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap(), true
	}
	parts := strings.Split(strings.TrimSuffix(host, "."), ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var ip uint64
	for i, part := range parts {
		// The last part fills all the bytes that are left.
		left := 1
		if i == len(parts)-1 {
			left = 4 - i
		}
		n, err := strconv.ParseUint(part, 0, 8*left)
		if err != nil || strings.Contains(part, "_") {
			return netip.Addr{}, false
		}
		ip = ip<<(8*left) | n
	}
	return netip.AddrFrom4([4]byte{byte(ip >> 24), byte(ip >> 16), byte(ip >> 8), byte(ip)}), true
}
