package e2e_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

// browser is a tab of a real Chromium without a window, and what happened in it.
type browser struct {
	ctx context.Context

	mu       sync.Mutex
	requests []string
	trouble  []string
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	b := &browser{}
	// Chromium leaves its temporary folders where it is ended.
	temp, err := os.MkdirTemp("", "slipway-chromium-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(temp) })
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(rig.Program(t, "chromium", "chromium")), chromedp.Env("TMPDIR="+temp))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's sandbox refuses root
	}
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(ctx, chromedp.WithListener(b.hear))
	t.Cleanup(closeTab)
	b.ctx = ctx
	command(t, b, network.Enable, network.EnableParams{})
	command(t, b, cdplog.Enable, cdp.Empty{})
	return b
}

func (b *browser) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	case *cdplog.EventEntryAdded:
		b.trouble = append(b.trouble, e.Entry.Text)
	case *runtime.EventConsoleAPICalled:
		b.trouble = append(b.trouble, fmt.Sprint("console: ", e.Type))
	case *runtime.EventExceptionThrown:
		b.trouble = append(b.trouble, e.ExceptionDetails.Text)
	}
}

// heard returns what happened since it was asked last.
func (b *browser) heard() (requests, trouble []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	requests, trouble = b.requests, b.trouble
	b.requests, b.trouble = nil, nil
	return requests, trouble
}

// open shows a file in a window of a width, in light or dark colours.
func (b *browser) open(t *testing.T, file string, width int64, scheme string) string {
	t.Helper()
	require.NoError(t, chromedp.Do(b.ctx, chromedp.EmulateViewport(width, 900)))
	command(t, b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	address := (&url.URL{Scheme: "file", Path: file}).String()
	require.NoError(t, chromedp.Do(b.ctx, chromedp.Navigate(address)))
	return address
}

func command[P, R any](t *testing.T, b *browser, cmd cdp.Command[P, R], params P) {
	t.Helper()
	_, err := chromedp.Call(b.ctx, cmd, params)
	require.NoError(t, err)
}

func evaluate[T any](t *testing.T, b *browser, expression string) T {
	t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	require.NoError(t, err)
	return value
}
