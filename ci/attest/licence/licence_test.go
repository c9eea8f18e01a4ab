package licence_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/attest/licence"
)

// mit is the MIT licence, whose text whoever uses it has to repeat.
const mit = `MIT License

Copyright (c) 2026 The harbour's authors

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
`

const isc = `Permission to use, copy, modify, and/or distribute this software for any
purpose with or without fee is hereby granted, provided that the above
copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH
REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY
AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT,
INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM
LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR
OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR
PERFORMANCE OF THIS SOFTWARE.
`

func TestCache_SaysWhatIsSure(t *testing.T) {
	t.Parallel()
	text := func(words string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(words)} }
	cache := licence.NewCache(fstest.MapFS{
		"example.com/!tide@v1.0.0/LICENSE":          text(mit),
		"example.com/!tide@v1.0.0/NOTICE":           text("nothing"),
		"example.com/both@v1.0.0/LICENSE-MIT.txt":   text(mit),
		"example.com/both@v1.0.0/COPYING":           text(isc),
		"example.com/both@v1.0.0/license.go":        text("package both"),
		"example.com/one@v1.0.0/LICENSE":            text(mit),
		"example.com/one@v1.0.0/LICENSE.other":      text("All rights reserved."),
		"example.com/more@v1.0.0/LICENSE":           text(mit + strings.Repeat("You may not use it on Sundays.\n", 20)),
		"example.com/two@v1.0.0/LICENSE":            text(mit + isc),
		"example.com/twice@v1.0.0/LICENSE":          text(mit + mit),
		"example.com/none@v1.0.0/main.go":           text("package main"),
		"example.com/folder@v1.0.0/LICENSE/LICENSE": text(mit),
		"example.com/large@v1.0.0/LICENSE":          text(mit + strings.Repeat(" ", 1<<20)),
	})
	for module, want := range map[string]string{
		"example.com/Tide": "MIT", "example.com/both": "ISC AND MIT", "example.com/one": "", "example.com/more": "", "example.com/two": "", "example.com/twice": "MIT",
		"example.com/none": "", "example.com/folder": "", "example.com/large": "", "example.com/absent": "", "../tide": "", "": "",
	} {
		require.Equal(t, want, cache.Of(module, "v1.0.0"), module)
		require.Equal(t, want, cache.Of(module, "v1.0.0"), "a second time")
	}
	require.Empty(t, cache.Of("example.com/Tide", "../../x"))
}
