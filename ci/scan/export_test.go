package scan

// WithLimits bounds what is read, in bytes.
func (r Request) WithLimits(packed, unpacked int64) Request {
	r.limits = limits{packed, unpacked}
	return r
}
