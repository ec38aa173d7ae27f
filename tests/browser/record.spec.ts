/** What is watched, kept as a file: a player of its own reads it back. */
import { act } from './harness/stage.js';
import { expect, test } from './harness/test.js';

for (const format of ['mp4', 'flv'] as const) {
  test(`a live stream as ${format}`, async ({ stage, servers }) => {
    const stream = await servers.stream('relay', 'counter-av');
    await stage.open();
    await stage.play(stream.http);
    await stage.event('playing');
    const from = Date.now();
    await stage.page.evaluate(format => globalThis.stage.players[0]?.startRecording({ format }), format);
    await expect(act(stage, player => player.startRecording())).rejects.toThrow(
      /There is a recording already/,
    );
    await stage.wait(6);
    const url = await stage.page.evaluate(async () => {
      const blob = await globalThis.stage.players[0]?.stopRecording();
      return blob ? URL.createObjectURL(blob) : '';
    });
    const took = (Date.now() - from) / 1000;
    const bytes = await stage.page.evaluate(async url => {
      const blob = await (await fetch(url)).blob();
      return [blob.type, blob.size] as const;
    }, url);
    expect(bytes[0]).toBe(format === 'mp4' ? 'video/mp4' : 'video/x-flv');
    expect(bytes[1]).toBeGreaterThan(50_000);

    if (format === 'mp4') {
      // The browser's own player, which has nothing of ours.
      const film = await stage.page.evaluate(async url => {
        const video = document.createElement('video');
        video.muted = true;
        video.src = url;
        document.body.append(video);
        await video.play();
        const from = video.currentTime;
        await new Promise(resolve => setTimeout(resolve, 1000));
        return { width: video.videoWidth, duration: video.duration, played: video.currentTime - from };
      }, url);
      expect(film.width).toBe(640);
      expect(film.duration).toBeGreaterThan(3);
      expect(film.duration).toBeLessThan(took + 1);
      expect(film.played).toBeGreaterThan(0.5);
    }
    expect(await stage.events('error')).toEqual([]);
  });
}

test('a file is whole when the stream ends by itself', async ({ stage, servers }) => {
  await stage.open();
  await stage.play(servers.faulty.http('short'));
  await stage.event('firstframe');
  const written = await stage.page.evaluate(async () => {
    const chunks: number[] = [];
    let closed = false;
    const target = new WritableStream<Uint8Array>({
      write: chunk => void chunks.push(chunk.byteLength),
      close: () => {
        closed = true;
      },
    });
    const player = globalThis.stage.players[0];
    await player?.startRecording({ target });
    await new Promise(resolve => player?.addEventListener('ended', resolve));
    await new Promise(resolve => setTimeout(resolve, 100));
    return { closed, bytes: chunks.reduce((a, b) => a + b, 0), blob: await player?.stopRecording() };
  });
  expect(written).toMatchObject({ closed: true, blob: null });
});
