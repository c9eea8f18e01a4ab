package runner

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// try bounds one question to a program.
const try = 2 * time.Second

// Connects tells whether somebody takes connections at an address.
func Connects(ctx context.Context, address string) bool {
	d := net.Dialer{Timeout: try}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// get asks for a path, and returns the status and the answer in words. One request and
// one line of the answer: net/http would make the runner twice as large and as long to
// compile, and would follow redirects and proxies.
func get(ctx context.Context, address, path string) (status int, answer string) {
	d := net.Dialer{Timeout: try}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return 0, err.Error()
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(try))
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: slipway\r\nConnection: close\r\n\r\n", path, address)
	line, err := bufio.NewReader(io.LimitReader(conn, 1<<10)).ReadString('\n')
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return 0, fmt.Sprintf("no answer within %s", try)
	}
	// https://www.rfc-editor.org/rfc/rfc9112#section-4
	var minor int
	if _, err := fmt.Sscanf(line, "HTTP/1.%d %3d", &minor, &status); err != nil {
		return 0, "an answer that is not HTTP"
	}
	return status, fmt.Sprintf("status %d", status)
}

// address is a way to a port of this machine on which a program that listens on the
// loopback address alone does not answer, if there is one.
func address(port int) (way string, loopback bool) {
	list, err := net.InterfaceAddrs()
	if err == nil {
		for _, a := range list {
			if ip, ok := a.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() && ip.IP.To4() != nil {
				return net.JoinHostPort(ip.IP.String(), fmt.Sprint(port)), false
			}
		}
	}
	return net.JoinHostPort("127.0.0.1", fmt.Sprint(port)), true
}
