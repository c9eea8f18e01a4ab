package config

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"example.com/slipway/ci/fault"
	"example.com/slipway/ci/layer"
	"example.com/slipway/ci/plan"
)

var (
	imageNameForm = regexp.MustCompile(`^[a-z0-9]+(?:[._-][a-z0-9]+)*$`)
	notInName     = regexp.MustCompile(`[^a-z0-9]+`)
	notInTag      = regexp.MustCompile(`[^\w.-]`)
	versionForm   = regexp.MustCompile(`^[\w.+-]{1,128}$`)
	targetForm    = regexp.MustCompile(`^[a-zA-Z0-9.-]+(?::[0-9]{1,5})?(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)+$`)
	capForm       = regexp.MustCompile(`^cap_[a-z_]+$`)
	sizeForm      = regexp.MustCompile(`^([0-9]{1,9})(?:\.([0-9]))? ?(B|kB|KB|MB|GB)?$`)
	hostForm      = regexp.MustCompile(`^[a-zA-Z0-9.-]+(?::[0-9]{1,5})?$`)
	tagForm       = regexp.MustCompile(`^[\w.]+$`)
	varForm       = regexp.MustCompile(`^[^\s"'=]+\.[\pL_][\pL\pN_]*$`)
	userForm      = regexp.MustCompile(`^[0-9]{1,9}(?::[0-9]{1,9})?$`)
	portForm      = regexp.MustCompile(`^[0-9]{1,5}(?:/(?:tcp|udp|sctp))?$`)
	signalForm    = regexp.MustCompile(`^(?:SIG[A-Z0-9+-]{2,12}|[0-9]{1,2})$`)
	envForm       = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	control       = regexp.MustCompile(`[\x00-\x1f\x7f]`)
)

func (p *Plan) build(in Input) error {
	b := plan.Build{Strip: cmp.Or(in.Said.Strip, defaultStrip), Debug: in.Said.Debug}
	p.origin("strip", "default")
	if in.Said.Strip == "" && b.Debug {
		b.Strip = "none"
		p.Origins["strip"] = "--debug"
	}
	if !slices.Contains([]string{"full", "dwarf", "none"}, b.Strip) {
		return p.wrong("strip", b.Strip, "full, dwarf or none")
	}
	for _, tag := range in.Said.Tags {
		if !tagForm.MatchString(tag) {
			return p.wrong("tags", tag, "letters, digits, underscores and dots")
		}
	}
	b.Tags = slices.Compact(slices.Sorted(slices.Values(in.Said.Tags)))
	vars := map[string]string{"main.version": p.Image.Version, "main.commit": p.Image.Commit}
	maps.DeleteFunc(vars, func(_, v string) bool { return v == "" })
	maps.Copy(vars, in.Said.Set)
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		value := vars[name]
		if !varForm.MatchString(name) || strings.HasPrefix(name, "-") {
			return p.wrong("set", name, "importpath.name, such as main.version")
		}
		// The go command splits -ldflags at spaces, with quotes but without escapes.
		if control.MatchString(value) || strings.Contains(value, `'`) && strings.Contains(value, `"`) {
			return p.wrong("set", name+"="+value, "a value of one line without both kinds of quotes, which -ldflags cannot carry")
		}
		b.Vars = append(b.Vars, plan.Var{Name: name, Value: value})
	}
	p.origin("set", "the version and the commit")
	p.Image.Build = b
	return nil
}

func (p *Plan) config(in Input) error {
	s := in.Said
	c := plan.Config{
		User: cmp.Or(s.User, defaultUser), Workdir: s.Workdir, Args: s.Args, StopSignal: s.StopSignal,
		Labels: s.Label, Annotations: s.Annotation,
	}
	p.origin("user", "default")
	if !userForm.MatchString(c.User) || strings.TrimLeft(c.User, "0") == "" || strings.HasPrefix(strings.TrimLeft(c.User, "0"), ":") {
		return p.wrong("user", c.User, "a numeric user other than 0, with a group where you like, such as 65532:65532")
	}
	if c.Workdir != "" && (!path.IsAbs(c.Workdir) || path.Clean(c.Workdir) != c.Workdir || control.MatchString(c.Workdir)) {
		return p.wrong("workdir", c.Workdir, "an absolute folder")
	}
	if c.StopSignal != "" && !signalForm.MatchString(c.StopSignal) {
		return p.wrong("stop-signal", c.StopSignal, "a signal, such as SIGTERM")
	}
	for _, port := range s.Port {
		if !portForm.MatchString(port) {
			return p.wrong("port", port, "a number with a protocol where you like, such as 8080 or 53/udp")
		}
		if !strings.Contains(port, "/") {
			port += "/tcp"
		}
		c.Ports = append(c.Ports, port)
	}
	slices.Sort(c.Ports)
	c.Ports = slices.Compact(c.Ports)
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		if !envForm.MatchString(name) || strings.ContainsRune(s.Env[name], 0) {
			return p.wrong("env", name, "letters, digits and underscores")
		}
		c.Env = append(c.Env, name+"="+s.Env[name])
	}
	for kind, table := range map[string]map[string]string{"label": s.Label, "annotation": s.Annotation} {
		for name, value := range table {
			if name == "" || control.MatchString(name) || strings.ContainsRune(value, 0) {
				return fault.New(fault.Usage, "%s: %q is not a name for a %s", p.place(kind), name, kind).
					WithFix("use reversed domain names, such as com.example.team")
			}
		}
	}
	p.Image.Config = c
	for _, name := range s.Capability {
		if !capForm.MatchString(name) || !layer.KnownCapability(name) {
			return p.wrong("capability", name, "a name from capabilities(7), such as cap_net_bind_service")
		}
		p.Image.Capabilities = append(p.Image.Capabilities, name)
	}
	slices.Sort(p.Image.Capabilities)
	p.Image.Capabilities = slices.Compact(p.Image.Capabilities)
	return nil
}

// ParseSize reads a size in decimal units, such as 15MB or 1.5 GB.
func ParseSize(text string) (int64, error) {
	m := sizeForm.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("%q is not a size: write 15MB or 1.5GB", text)
	}
	unit := map[string]int64{"": 1, "B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9}[m[3]]
	whole, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a size: %w", text, err)
	}
	size := whole * unit
	if m[2] != "" {
		size += int64(m[2][0]-'0') * unit / 10
	}
	return size, nil
}
