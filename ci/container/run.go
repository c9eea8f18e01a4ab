package container

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"example.com/slipway/ci/fault"
)

// Spec says what to start.
type Spec struct {
	// Image is a name that Load gave.
	Image string
	// Ports are those of the image's configuration, such as 8080/tcp.
	Ports []string
	// Args replace the image's own.
	Args []string
}

// Container is a started container.
type Container struct {
	// Address is the host and port on this machine that leads to the first TCP port, or "".
	Address string

	rt *Runtime
	id string
}

// restrictions are what a distroless service can live with, and what every cluster
// should ask of it.
func restrictions() []string {
	return []string{"--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--memory=512m"}
}

// Start starts an image with everything taken away that it does not need. Its ports
// are published on the loopback address only.
func (r *Runtime) Start(ctx context.Context, s Spec) (*Container, error) {
	args := append([]string{"run", "--detach", "--rm"}, restrictions()...)
	first := ""
	for _, port := range s.Ports {
		number, proto, _ := strings.Cut(port, "/")
		args = append(args, "--publish=127.0.0.1::"+number+"/"+proto)
		if first == "" && proto == "tcp" {
			first = port
		}
	}
	out, err := r.output(ctx, 2*time.Minute, append(append(args, s.Image), s.Args...)...)
	if err != nil {
		return nil, r.failed("starting the container", err)
	}
	c := &Container{rt: r, id: strings.TrimSpace(out)}
	if first == "" {
		return c, nil
	}
	if c.Address, err = c.published(ctx, first); err != nil {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		logs := c.tail(late)
		c.Stop(late)
		return nil, fault.New(fault.Engine, "the container stopped at once").WithDetail(logs...).WithFix("its last lines say why").WithCause(err)
	}
	return c, nil
}

// published asks for the address that the runtime chose.
func (c *Container) published(ctx context.Context, port string) (string, error) {
	out, err := c.rt.output(ctx, 20*time.Second, "port", c.id, port)
	if err != nil {
		return "", err
	}
	address, _, _ := strings.Cut(strings.TrimSpace(out), "\n")
	if host, number, err := net.SplitHostPort(address); err != nil || net.ParseIP(host) == nil {
		return "", fmt.Errorf("%s answered %q for port %s", c.rt.Name, address, port)
	} else if _, err := strconv.ParseUint(number, 10, 16); err != nil {
		return "", fmt.Errorf("%s answered %q for port %s", c.rt.Name, address, port)
	}
	return address, nil
}

// WaitForPort returns when the container's first port takes connections.
func (c *Container) WaitForPort(ctx context.Context, limit time.Duration) error {
	deadline := time.Now().Add(limit)
	for {
		if c.answers(ctx) {
			return nil
		}
		if !c.running(ctx) || time.Now().After(deadline) {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fault.New(fault.Engine, "the container does not take connections on %s", c.Address).
				WithDetail(c.tail(ctx)...).WithFix("its last lines may say why; --port names the port that the program listens on")
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// answers tells whether the program itself listens: a runtime's proxy takes every
// connection, and closes it at once where nothing is behind it.
func (c *Container) answers(ctx context.Context) bool {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", c.Address)
	if err != nil {
		return false
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		return false
	}
	_, err = conn.Read(make([]byte, 1))
	timeout, ok := errors.AsType[net.Error](err)
	return err == nil || ok && timeout.Timeout()
}

func (c *Container) running(ctx context.Context) bool {
	out, err := c.rt.output(ctx, 20*time.Second, "inspect", "--format", "{{.State.Running}}", c.id)
	return err == nil && strings.TrimSpace(out) == "true"
}

func (c *Container) tail(ctx context.Context) []string {
	cmd := exec.CommandContext(ctx, c.rt.program, "logs", "--tail", "10", c.id)
	cmd.Env = c.rt.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
}

// Follow copies the container's output to w until the container or ctx ends.
func (c *Container) Follow(ctx context.Context, w io.Writer) error {
	cmd := exec.CommandContext(ctx, c.rt.program, "logs", "--follow", c.id)
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = c.rt.env, w, w, 2*time.Second
	err := cmd.Run()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return c.rt.failed("following the container's output", err)
	}
	return nil
}

// Stop ends the container with its stop signal and removes it.
func (c *Container) Stop(ctx context.Context) {
	// It may have ended by itself; --rm removes it either way.
	_, _ = c.rt.output(ctx, time.Minute, "stop", "--time", "10", c.id)
}
