package native

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"example.com/slipway/ci/fault"
)

// Settings are what an engine is started with. The zero value is the default engine.
type Settings struct {
	// Name tells engines of one machine apart.
	Name string
	// Mirrors say which registry is asked in another's place. A mirror on the
	// loopback address, or written with http://, is asked without TLS.
	Mirrors map[string]string
	// PlainHTTP are registries that are asked without TLS.
	PlainHTTP []string
	// CAs are files with certificates that the engine and its containers trust, in
	// addition to those that the host trusts.
	CAs []string
	// Listen are addresses for clients on other machines: tcp://HOST:PORT.
	Listen []string
	// Insecure lets everybody who reaches a Listen address use the engine, which is
	// root on this machine.
	Insecure bool
}

var validName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`)

func checkName(name string) error {
	if !validName.MatchString(name) {
		return fault.New(fault.Usage, "%q cannot be the name of an engine", name).
			WithFix("use up to 32 small letters, digits and inner hyphens")
	}
	return nil
}

// prepared are settings that were checked, with what they say in the engine's terms.
type prepared struct {
	Settings
	registries map[string]registry
	// certificates by the name of the file that they get in the engine.
	certificates map[string][]byte
	listen       []*url.URL
}

// registry is an entry of the engine's configuration:
// https://docs.dagger.io/reference/configuration/engine
type registry struct {
	Mirrors []string `json:"mirrors,omitempty"`
	HTTP    bool     `json:"http,omitempty"`
}

func (s Settings) prepare() (*prepared, error) {
	if s.Name == "" {
		s.Name = DefaultName
	}
	if err := checkName(s.Name); err != nil {
		return nil, err
	}
	p := &prepared{Settings: s, registries: map[string]registry{}}
	if err := p.addRegistries(); err != nil {
		return nil, err
	}
	var err error
	if p.certificates, err = certificates(s.CAs); err != nil {
		return nil, err
	}
	for _, address := range s.Listen {
		u, err := parseListen(address)
		if err != nil {
			return nil, err
		}
		p.listen = append(p.listen, u)
	}
	if s.Insecure && len(s.Listen) == 0 {
		return nil, fault.New(fault.Usage, "--insecure is about --listen, which is not given").WithFix("leave it out")
	}
	return p, nil
}

func (p *prepared) addRegistries() error {
	for from, to := range p.Mirrors {
		host, plain := strings.CutPrefix(to, "http://")
		host = strings.TrimSuffix(host, "/")
		if !isRegistry(from) || !isRegistry(host) {
			return fault.New(fault.Usage, "the mirror %s=%s does not name two registries", from, to).
				WithFix("write it as docker.io=127.0.0.1:5000")
		}
		r := p.registries[from]
		r.Mirrors = append(r.Mirrors, host)
		p.registries[from] = r
		if plain || isLoopback(host) {
			p.plain(host)
		}
	}
	for _, host := range p.PlainHTTP {
		if !isRegistry(host) {
			return fault.New(fault.Usage, "%q is not a registry", host).WithFix("write it as host or host:port")
		}
		p.plain(host)
	}
	return nil
}

func (p *prepared) plain(host string) {
	r := p.registries[host]
	r.HTTP = true
	p.registries[host] = r
}

func isRegistry(host string) bool {
	_, err := name.NewRegistry(host, name.StrictValidation)
	return err == nil
}

func isLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// certificates reads PEM files, each under a name made of its content: two files
// may have one name.
func certificates(files []string) (map[string][]byte, error) {
	all := map[string][]byte{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fault.New(fault.Usage, "reading the certificates of --ca: %v", err).WithFix("name a file with certificates in PEM").WithCause(err)
		}
		if !strings.Contains(string(text), "-----BEGIN CERTIFICATE-----") {
			return nil, fault.New(fault.Usage, "%s has no certificate in PEM", file).WithFix("name a file with certificates in PEM")
		}
		all[fmt.Sprintf("slipway-%x.crt", sha256.Sum256(text))[:24]+".crt"] = text
	}
	return all, nil
}

func parseListen(address string) (*url.URL, error) {
	wrong := fault.New(fault.Usage, "the engine cannot listen on %q", address).WithFix("write it as tcp://HOST:PORT, for example tcp://0.0.0.0:8443")
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "tcp" || u.Hostname() == "" || u.Path != "" || u.RawQuery != "" || u.User != nil {
		return nil, wrong
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil || port == 0 {
		return nil, wrong
	}
	return u, nil
}

// hash is the same for settings that start the same engine.
func (p *prepared) hash(built parts) (string, error) {
	listen := slices.Sorted(slices.Values(p.Listen))
	configuration, err := p.configuration()
	if err != nil {
		return "", err
	}
	// Maps are written in the order of their keys.
	text, err := json.Marshal([]any{built.tools, built.tree, built.content, p.Name, configuration, p.certificates, listen, p.Insecure})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sha256.Sum256(text)), nil
}

// configuration is /etc/dagger/engine.json.
func (p *prepared) configuration() ([]byte, error) {
	return json.Marshal(map[string]any{
		"registries": p.registries,
		// By itself the engine wants a fifth of the disk free, and where somebody else
		// filled the disk it throws its caches away after every session.
		"gc": map[string]string{"maxUsedSpace": "50GB", "reservedSpace": "5%", "minFreeSpace": "2GB"},
		// By itself it logs each request.
		"logLevel": "info",
	})
}
