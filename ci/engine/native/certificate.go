package native

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// How long certificates hold, and when they are replaced.
const (
	authorityLife = 10 * 365 * 24 * time.Hour
	leafLife      = 365 * 24 * time.Hour
	renewal       = 30 * 24 * time.Hour
)

// issue readies the certificates of an engine in dir: those of its own authority, of
// the engine for these hosts, and of a client. The authority and the client's stay
// from start to start, so that clients keep what they were given.
func issue(dir string, hosts []string, now time.Time) error {
	authority, err := load(dir, "ca")
	if err != nil || expires(authority, now) {
		if authority, err = newPair(nil, x509.Certificate{
			Subject: pkix.Name{CommonName: "Slipway engine authority"}, IsCA: true, BasicConstraintsValid: true,
			KeyUsage: x509.KeyUsageCertSign, NotAfter: now.Add(authorityLife),
		}, now); err != nil {
			return err
		}
		if err := errors.Join(authority.store(dir, "ca"), remove(dir, "client")); err != nil {
			return err
		}
	}
	client, err := load(dir, "client")
	if err != nil || expires(client, now) {
		if client, err = newPair(authority, x509.Certificate{
			Subject: pkix.Name{CommonName: "Slipway engine client"}, KeyUsage: x509.KeyUsageDigitalSignature,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, NotAfter: now.Add(leafLife),
		}, now); err != nil {
			return err
		}
		if err := client.store(dir, "client"); err != nil {
			return err
		}
	}
	template := x509.Certificate{
		Subject: pkix.Name{CommonName: "Slipway engine"}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, NotAfter: now.Add(leafLife),
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	server, err := newPair(authority, template, now)
	if err != nil {
		return err
	}
	return server.store(dir, "server")
}

// pair is a certificate with its key.
type pair struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

func expires(p *pair, now time.Time) bool { return now.Add(renewal).After(p.certificate.NotAfter) }

// newPair makes a pair that issuer signs, or that signs itself.
func newPair(issuer *pair, template x509.Certificate, now time.Time) (*pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return nil, err
	}
	// The clock of a client may be behind.
	template.NotBefore = now.Add(-time.Hour)
	if issuer == nil {
		issuer = &pair{certificate: &template, key: key}
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, issuer.certificate, key.Public(), issuer.key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return &pair{certificate: certificate, key: key}, err
}

func files(dir, name string) (certificate, key string) {
	return filepath.Join(dir, name+".pem"), filepath.Join(dir, name+"-key.pem")
}

func (p *pair) store(dir, name string) error {
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		return err
	}
	certificate, key := files(dir, name)
	return errors.Join(
		os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.certificate.Raw}), 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
}

func remove(dir, name string) error {
	certificate, key := files(dir, name)
	return errors.Join(os.RemoveAll(certificate), os.RemoveAll(key))
}

func load(dir, name string) (*pair, error) {
	certificateFile, keyFile := files(dir, name)
	one, err := readPEM(certificateFile)
	if err != nil {
		return nil, err
	}
	two, err := readPEM(keyFile)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(one)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(two)
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%s has no key that signs", keyFile)
	}
	return &pair{certificate: certificate, key: signer}, nil
}

func readPEM(file string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s has no PEM block", file)
	}
	return block.Bytes, nil
}

// knock connects as a client until that works, for some seconds.
func knock(ctx context.Context, dir string, u *url.URL) error {
	certificate, key := files(dir, "client")
	client, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return err
	}
	authority, err := load(dir, "ca")
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AddCert(authority.certificate)
	host := u.Hostname()
	if everywhere(host) {
		host = "localhost"
	}
	dialer := tls.Dialer{Config: &tls.Config{Certificates: []tls.Certificate{client}, RootCAs: pool, ServerName: host}}
	for deadline := time.Now().Add(5 * time.Second); ; {
		conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, u.Port()))
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// hosts are the names and addresses by which clients reach the engine. One that
// listens on every address has those of the machine.
func (p *prepared) hosts() []string {
	hosts := []string{"localhost", "127.0.0.1", "::1"}
	for _, u := range p.listen {
		hosts = append(hosts, u.Hostname())
		if !everywhere(u.Hostname()) {
			continue
		}
		if name, err := os.Hostname(); err == nil {
			hosts = append(hosts, name)
		}
		addresses, err := net.InterfaceAddrs()
		if err != nil {
			continue
		}
		for _, a := range addresses {
			if prefix, err := netip.ParsePrefix(a.String()); err == nil {
				hosts = append(hosts, prefix.Addr().WithZone("").String())
			}
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

func everywhere(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsUnspecified()
}

// remote are the addresses for clients on other machines, as the dagger command takes
// them. The files are to be copied to those machines.
func (p *prepared) remote(certs string) []string {
	var all []string
	for _, u := range p.listen {
		host := u.Hostname()
		if everywhere(host) {
			if name, err := os.Hostname(); err == nil {
				host = name
			}
		}
		address := url.URL{Scheme: "tcp", Host: net.JoinHostPort(host, u.Port())}
		if !p.Insecure {
			certificate, key := files(certs, "client")
			authority, _ := files(certs, "ca")
			address.Scheme = "tls"
			address.RawQuery = "ca_path=" + url.QueryEscape(authority) + "&cert_path=" + url.QueryEscape(certificate) + "&key_path=" + url.QueryEscape(key)
		}
		all = append(all, address.String())
	}
	return all
}
