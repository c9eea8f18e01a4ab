package e2e_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"example.com/slipway/ci/e2e/rig"
)

var screenshots = flag.String("screenshots", "", "folder that keeps the pictures of the report's page")

// page has the program write the page of a receipt of ci/report, and returns its file.
func page(t *testing.T, name string) string {
	t.Helper()
	saved := filepath.Join(repository(t), "ci", "report", "testdata", name+".json")
	html := rig.Must(t, t.TempDir(), rig.Environ(), slipway(t), "report", "--format", "html", saved)
	file := filepath.Join(t.TempDir(), name+".html")
	require.NoError(t, os.WriteFile(file, []byte(html), 0o600))
	return file
}

// tooFaint lists the texts that are shown with a contrast below 4.5, the least that
// WCAG 2.2 allows, as "text: contrast".
const tooFaint = `(() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => top.slice(0, 3).map((v, i) => v * top[3] + below[i] * (1 - top[3]));
  const faded = (colour, by) => [colour[0], colour[1], colour[2], colour[3] * by];
  const behind = (e) => {
    const layers = [];
    for (; e; e = e.parentElement) {
      const rect = e.namespaceURI.endsWith("svg") && e.querySelector(":scope > rect");
      if (rect) layers.push(faded(rgba(getComputedStyle(rect).fill), +getComputedStyle(rect).fillOpacity));
      layers.push(rgba(getComputedStyle(e).backgroundColor));
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const faint = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement, style = getComputedStyle(e);
    if (!walk.currentNode.data.trim() || !e.checkVisibility() || /^(title|script|style|option)$/i.test(e.tagName)) continue;
    const ground = behind(e);
    const ink = over(faded(rgba(e.tagName === "text" ? style.fill : style.color), +style.opacity), ground);
    const [light, dark] = [luminance(ink), luminance(ground)].sort((a, b) => b - a);
    const contrast = (light + 0.05) / (dark + 0.05);
    seen++;
    if (contrast < 4.5) faint.push(walk.currentNode.data.trim().slice(0, 40) + ": " + contrast.toFixed(2));
  }
  return seen < 40 ? ["only " + seen + " texts were seen"] : faint;
})()`

func TestReport_PageIsWholeAndLegibleInABrowser(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	b := newBrowser(t)
	for _, name := range []string{"passed", "failed", "published", "unpublished", "planned", "broken", "stopped"} {
		file := page(t, name)
		for _, width := range []int64{400, 1400} {
			for _, scheme := range []string{"light", "dark"} {
				at := fmt.Sprintf("%s-%d-%s", name, width, scheme)
				address := b.open(t, file, width, scheme)
				picture(t, b, at)
				evaluate[bool](t, b, `document.querySelectorAll("details").forEach((d) => { d.open = true; }) || true`)
				require.Equal(t, width, evaluate[int64](t, b, "innerWidth"), at)
				require.LessOrEqual(t, evaluate[int64](t, b, "document.scrollingElement.scrollWidth"), width, "%s is wider than its window", at)
				require.Empty(t, evaluate[[]string](t, b, tooFaint), at)
				requests, trouble := b.heard()
				require.Equal(t, []string{address}, requests, "%s asks for more than itself", at)
				require.Empty(t, trouble, at)
			}
		}
	}
}

// picture keeps what a person would look at, where somebody wants it.
func picture(t *testing.T, b *browser, name string) {
	t.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	require.NoError(t, err)
	require.Greater(t, len(png), 50_000, "an empty page")
	if *screenshots != "" {
		require.NoError(t, os.WriteFile(filepath.Join(*screenshots, name+".png"), png, 0o600))
	}
}

func TestReport_PageHasItsPartsAndFiltersFindings(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	b := newBrowser(t)
	file := page(t, "failed")
	b.open(t, file, 1400, "light")
	require.Equal(t, []string{"Gates", "Findings", "Tests", "Images", "Timeline", "Plan", "Receipt"},
		evaluate[[]string](t, b, `[...document.querySelectorAll("main h2")].map((h) => h.textContent)`))
	require.Equal(t, []string{"header", "nav", "main", "footer"},
		evaluate[[]string](t, b, `[...document.body.children].map((e) => e.localName).filter((n) => !["a", "svg", "script"].includes(n))`))
	require.Empty(t, evaluate[[]string](t, b, `[...document.querySelectorAll("nav a")].map((a) => a.hash.slice(1)).filter((id) => !document.getElementById(id))`))
	require.Empty(t, evaluate[[]string](t, b, `[...document.querySelectorAll("th:not([scope]), table:not(:has(caption))")].map((e) => e.outerHTML)`))
	require.Greater(t, evaluate[int](t, b, `document.querySelectorAll(".treemap.at-large .dep0 rect").length`), 1)

	const shown = `[...document.querySelectorAll("table.findings tbody")].filter((b) => b.checkVisibility()).map((b) => b.querySelector("th").textContent)`
	require.Len(t, evaluate[[]string](t, b, shown), 9)
	evaluate[bool](t, b, `(() => {
  const field = document.getElementById("filter-text");
  field.value = "STDLIB called";
  return field.dispatchEvent(new Event("input", {bubbles: true}));
})()`)
	require.Equal(t, []string{"CVE-2026-78667"}, evaluate[[]string](t, b, shown))
	require.Equal(t, "1 of 9", evaluate[string](t, b, `document.getElementById("filter-count").textContent`))

	evaluate[bool](t, b, `!(document.querySelector("main h3").style.color = "#999")`)
	require.Len(t, evaluate[[]string](t, b, tooFaint), 1, "the contrast is measured")

	command(t, b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.open(t, file, 400, "dark")
	require.Len(t, evaluate[[]string](t, b, shown), 9, "without scripts all findings are there")
	require.False(t, evaluate[bool](t, b, `document.querySelector("form.filter").checkVisibility()`), "and no filter that does nothing")
}

func TestReport_PageRunsNothingThatSomebodyAdds(t *testing.T) {
	t.Parallel()
	rig.Slow(t)
	b := newBrowser(t)
	file := page(t, "failed")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(server.Close)
	evil := `<script>document.title = "evil"</script><img src="` + server.URL + `/x.png" onerror="document.title = 'evil'">` +
		`<p id="red" style="color: red">x</p></main>`
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(text), "</main>", evil, 1)), 0o600))
	b.open(t, file, 1400, "light")
	require.Equal(t, "tide, worker: failed", evaluate[string](t, b, "document.title"))
	require.NotEqual(t, "rgb(255, 0, 0)", evaluate[string](t, b, `getComputedStyle(document.getElementById("red")).color`))
	require.Zero(t, asked.Load(), "the server of the picture was asked")
	_, trouble := b.heard()
	require.GreaterOrEqual(t, len(trouble), 3, "the browser tells what it refused: %v", trouble)
}
