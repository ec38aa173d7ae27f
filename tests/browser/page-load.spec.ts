/** A player on a page that is still loading: the page's `load` event never waits for a stream. */
import { expect, test } from './harness/test.js';

const page = (url: string) => `<!doctype html>
<link rel="icon" href="data:,">
<div id="box" style="width: 640px; height: 360px"></div>
<script type="module">
  import { Player } from '/dist/index.js';
  const player = new Player({ container: '#box', url: '${url}', muted: true, renderer: 'track' });
  player.play().catch(() => {});
  // Longer than a stream takes to begin: only a script that is slow keeps the page from loading.
  await new Promise((done) => setTimeout(done, 700));
</script>`;

for (const [name, stream] of [
  ['a stream that never answers', 'silent'],
  ['a stream that plays', 'live'],
] as const) {
  test(name, async ({ stage, servers }) => {
    const url = servers.faulty.http(stream);
    await stage.page.route('**/loading.html', route =>
      route.fulfill({ contentType: 'text/html', body: page(url) }),
    );
    await stage.page.goto(new URL('/loading.html', servers.relay.url).href, {
      waitUntil: 'load',
      timeout: 8000,
    });
    const picture = () => stage.page.evaluate(() => document.querySelector('video')?.videoWidth ?? 0);
    if (stream === 'live') await expect.poll(picture).toBeGreaterThan(0);
    else expect(await picture()).toBe(0);
  });
}
