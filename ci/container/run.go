package container

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
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
	// Env are variables over the image's own, as NAME=VALUE.
	Env []string
	// Capabilities are those that the program's file has in the image.
	Capabilities []string
	// Kept says that the container stays when it has ended, also at once, so that it can
	// be asked about. Remove removes it.
	Kept bool
}

// Container is a started container.
type Container struct {
	// Address is the host and port on this machine that leads to the first TCP port, or "".
	Address string

	rt *Runtime
	// id is the container's id or name.
	id string
}

// restrictions are what a distroless service can live with, and what every cluster
// should ask of it. A file's capabilities are none without new privileges.
func (r *Runtime) restrictions(capabilities []string) []string {
	args := []string{"--read-only", "--cap-drop=ALL", "--memory=512m", "--pids-limit=512"}
	if r.Name == "podman" {
		// It would mount folders to write to.
		args = append(args, "--read-only-tmpfs=false")
	}
	if len(capabilities) == 0 {
		return append(args, "--security-opt=no-new-privileges")
	}
	for _, name := range capabilities {
		args = append(args, "--cap-add="+strings.ToUpper(name))
	}
	return args
}

// arguments are those that start an image, with the first TCP port.
func (r *Runtime) arguments(s Spec, name string) (args []string, first string) {
	args = append([]string{"run", "--detach", "--pull=never", "--name=" + name}, r.restrictions(s.Capabilities)...)
	if !s.Kept {
		args = append(args, "--rm")
	}
	for _, port := range s.Ports {
		number, proto, _ := strings.Cut(port, "/")
		args = append(args, "--publish=127.0.0.1::"+number+"/"+proto)
		if len(number) < 4 && r.Name == "podman" {
			// Docker lets every user listen below 1024.
			args = append(args, "--sysctl=net.ipv4.ip_unprivileged_port_start=0")
		}
		if first == "" && proto == "tcp" {
			first = port
		}
	}
	for _, variable := range s.Env {
		args = append(args, "--env="+variable)
	}
	return append(append(args, s.Image), s.Args...), first
}

// Start starts an image with everything taken away that it does not need. Its ports
// are published on the loopback address only.
func (r *Runtime) Start(ctx context.Context, s Spec) (*Container, error) {
	c := &Container{rt: r, id: fmt.Sprintf("slipway-%016x", rand.Uint64())}
	args, first := r.arguments(s, c.id)
	// A runtime that is interrupted here could start the container afterwards.
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
	defer cancel()
	if _, err := r.output(late, 2*time.Minute, args...); err != nil {
		c.Remove(late)
		return nil, r.failed("starting the container", err)
	}
	if ctx.Err() != nil {
		c.Remove(late)
		return nil, context.Cause(ctx)
	}
	if first == "" {
		return c, nil
	}
	address, err := c.published(ctx, first)
	if err == nil || s.Kept && !c.running(ctx) {
		c.Address = address
		return c, nil
	}
	logs := c.tail(late)
	c.Remove(late)
	return nil, fault.New(fault.Engine, "the container stopped at once").WithDetail(logs...).WithFix("its last lines say why").WithCause(err)
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
		if c.Connects(ctx) {
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

// Connects tells whether the program itself listens: a runtime's proxy takes every
// connection, and closes it at once where nothing is behind it.
func (c *Container) Connects(ctx context.Context) bool {
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

// Stop ends a container that is not kept with its stop signal.
func (c *Container) Stop(ctx context.Context) {
	// It may have ended by itself; --rm removes it either way.
	_, _ = c.rt.output(ctx, time.Minute, "stop", "--time", "10", c.id)
}
