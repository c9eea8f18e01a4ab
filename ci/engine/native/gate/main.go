// Gate lets clients on other machines reach an engine's socket over TLS, if they have
// a certificate of the engine's authority:
//
//	gate SOCKET CERTIFICATES ADDRESS...
//
// The engine's own TLS does not take what its own clients send: they begin HTTP/2
// without asking for it, which Go's server understands on unencrypted connections
// only. ci/engine/native embeds this source and builds it with the engine.
//
//slipway:ignore
package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"time"
)

func main() {
	log.SetPrefix("gate: ")
	if len(os.Args) < 4 {
		log.Fatal("usage: gate SOCKET CERTIFICATES ADDRESS...")
	}
	log.Fatal(run(os.Args[1], os.Args[2], os.Args[3:]))
}

func run(socket, certificates string, addresses []string) error {
	config, err := read(certificates)
	if err != nil {
		return err
	}
	ended := make(chan error)
	for _, address := range addresses {
		listener, err := tls.Listen("tcp", address, config)
		if err != nil {
			return err
		}
		go func() { ended <- serve(listener, socket) }()
	}
	return <-ended
}

func read(dir string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "server.pem"), filepath.Join(dir, "server-key.pem"))
	if err != nil {
		return nil, fmt.Errorf("reading the server's certificate: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		return nil, fmt.Errorf("reading the authority: %w", err)
	}
	authority := x509.NewCertPool()
	if !authority.AppendCertsFromPEM(text) {
		return nil, errors.New("reading the authority: ca.pem has no certificate")
	}
	return &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientCAs: authority, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13,
	}, nil
}

func serve(listener net.Listener, socket string) error {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer conn.Close()
			if err := forward(conn.(*tls.Conn), socket); err != nil {
				log.Printf("%s: %v", conn.RemoteAddr(), err)
			}
		}()
	}
}

// forward joins a client to the engine until both have said all.
func forward(client *tls.Conn, socket string) error {
	// A client that does not finish the handshake must not stay for ever.
	if err := errors.Join(client.SetDeadline(time.Now().Add(30*time.Second)), client.Handshake(), client.SetDeadline(time.Time{})); err != nil {
		return err
	}
	engine, err := net.Dial("unix", socket)
	if err != nil {
		return err
	}
	defer engine.Close()
	done := make(chan error, 1)
	go func() {
		_, err := io.Copy(engine, client)
		done <- errors.Join(err, engine.(*net.UnixConn).CloseWrite())
	}()
	_, err = io.Copy(client, engine)
	return errors.Join(err, client.CloseWrite(), <-done)
}
