package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// process is a program that runs beside this one.
type process struct {
	trial   Trial
	cmd     *exec.Cmd
	address string
	tail    Tail
	ended   chan struct{}
	// large says that it took too much memory.
	large atomic.Bool
}

// Run starts the program and tries it. It ends with ctx, and with this process.
func Run(ctx context.Context, t Trial) Report {
	report := Report{Unjudged: true}
	p := &process{trial: t, ended: make(chan struct{})}
	if t.Port > 0 {
		if report.Fault, report.Fix = taken(t.Port); report.Fault != "" {
			return report
		}
		var loopback bool
		if p.address, loopback = address(t.Port); loopback {
			report.Loose = append(report.Loose, "asked on 127.0.0.1 only")
		}
	}
	loose, err := p.start(ctx)
	loose = append(report.Loose, loose...)
	if err != nil {
		// The kernel's word, without the call that it was said to.
		var failed *os.PathError
		if errors.As(err, &failed) {
			err = failed.Err
		}
		report = Report{Unstarted: true, Loose: loose, Fix: "see that it is a static program for this platform, executable for every user"}
		report.Fault = fmt.Sprintf("the program %s cannot be started: %v", t.Argv[0], err)
		return report
	}
	defer p.Kill(ctx)
	report, err = Try(ctx, t, p)
	if err != nil {
		report = Report{Unjudged: true, Fault: "trying the program: " + err.Error(), Fix: "try again"}
	}
	report.Loose = loose
	return report
}

// taken says that somebody else has the port.
func taken(port int) (fault, fix string) {
	// Another program that is started meanwhile would hold the port until its exec.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	l, err := net.Listen("tcp", fmt.Sprintf(":%d", port))
	switch {
	case err == nil:
		l.Close()
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Sprintf("port %d is in use on this machine", port), "stop what uses it, or start docker or podman, where every program has ports of its own"
	case errors.Is(err, syscall.EACCES):
		return fmt.Sprintf("port %d is for root on this machine", port), "start docker or podman, where it is for everybody"
	}
	return "", ""
}

// start starts the program in a thread of its own: restrictions are a thread's, and
// nothing takes them off again. The thread has to live as long as the program, because
// the program ends with it.
func (p *process) start(ctx context.Context) (loose []string, err error) {
	t := p.trial
	p.cmd = exec.Command(t.Argv[0], t.Argv[1:]...)
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr, p.cmd.WaitDelay = t.Dir, t.Env, &p.tail, &p.tail, time.Second
	if p.cmd.Env == nil {
		p.cmd.Env = []string{}
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() == 0 {
		p.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(t.UID), Gid: uint32(t.GID)}
		p.cmd.SysProcAttr.AmbientCaps = list(keep(t))
	} else if t.Capabilities != 0 {
		loose = append(loose, "without the capabilities of its file")
	}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		loose = append(loose, confine(keep(t))...)
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait()
			close(p.ended)
		}
	}()
	if err := <-started; err != nil {
		return loose, err
	}
	go p.watch(ctx)
	return loose, nil
}

// watch ends the program where it takes too much memory, or where nobody waits for it
// any more.
func (p *process) watch(ctx context.Context) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-p.ended:
			return
		case <-ctx.Done():
			p.Kill(ctx)
			return
		case <-tick.C:
			if peak(p.cmd.Process.Pid) > p.trial.Memory {
				p.large.Store(true)
				p.Kill(ctx)
				return
			}
		}
	}
}

// peak is the most memory that a process had, in bytes.
func peak(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, after, _ := bytes.Cut(status, []byte("\nVmHWM:"))
	line, _, _ := strings.Cut(string(after), "\n")
	kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(line), " kB"), 10, 64)
	return kb << 10
}

func (p *process) Address() string                   { return p.address }
func (p *process) Connects(ctx context.Context) bool { return Connects(ctx, p.address) }
func (p *process) Ended() <-chan struct{}            { return p.ended }
func (p *process) Lines(context.Context) []string    { return p.tail.Lines() }

func (p *process) Exit() Exit {
	e := Exit{Code: p.cmd.ProcessState.ExitCode(), Memory: p.large.Load()}
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		e.Code, e.Signal = 128+int(status.Signal()), int(status.Signal())
	}
	return e
}

func (p *process) Signal(context.Context) error {
	err := p.cmd.Process.Signal(syscall.Signal(p.trial.Signal.Number))
	if errors.Is(err, os.ErrProcessDone) {
		return ErrEnded
	}
	return err
}

// Kill ends the program with all that it started.
func (p *process) Kill(context.Context) {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.ended
}
