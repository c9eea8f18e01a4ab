package config

import (
	"cmp"
	"path/filepath"
	"strings"

	"example.com/slipway/ci/step"
)

// caches are where the go command's caches come from and go to.
func (p *Plan) caches(in Input) (err error) {
	to := &p.Run.Caches
	if to.From, err = p.cache(in, "cache-from", in.Said.CacheFrom); err != nil {
		return err
	}
	if to.To, err = p.cache(in, "cache-to", in.Said.CacheTo); err != nil {
		return err
	}
	if to.From == "" && to.To == "" {
		return nil
	}
	to.Trusted = in.Said.CacheTrusted
	for _, said := range in.Said.CacheKey {
		key, err := p.keyFile(in, "cache-key", said)
		if err != nil {
			return err
		}
		to.Keys = append(to.Keys, key)
	}
	if to.SignKey, err = p.keyFile(in, "cache-sign-key", in.Said.CacheSignKey); err != nil {
		return err
	}
	if to.Limit, err = ParseSize(cmp.Or(in.Said.CacheLimit, defaultCache)); err != nil {
		return p.wrongErr("cache-limit", err)
	}
	p.origin("cache-limit", "default")
	return nil
}

// cache is one place of a cache. A folder is absolute then, which no repository is.
func (p *Plan) cache(in Input, name, said string) (string, error) {
	switch {
	case said == "":
		return "", nil
	case strings.HasPrefix(said, ".") || filepath.IsAbs(said):
		return absolute(in.Dir, said), nil
	case IsRepository(said):
		return said, nil
	}
	return "", p.wrong(name, said, "a repository with its registry and without a tag, such as ghcr.io/team/server-cache, or a folder such as ./cache")
}

// cacheValues are the values of the keys above, as text.
func (p *Plan) cacheValues() map[string]string {
	c := p.Run.Caches
	values := map[string]string{"cache-from": c.From, "cache-to": c.To, "cache-key": strings.Join(c.Keys, ","), "cache-sign-key": c.SignKey}
	if c.Limit > 0 {
		values["cache-limit"] = step.Size(c.Limit)
	}
	if c.Trusted {
		values["cache-trusted"] = "true"
	}
	return values
}
