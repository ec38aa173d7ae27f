/**
 * ffmpeg as the publisher: sends a fixture at its own pace, round and round, with timestamps that go on.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Running, run } from './process.js';

export const FIXTURES = fileURLToPath(new URL('../fixtures/media/', import.meta.url));

/** `target`: `rtmp:` for RTMP, `http:` for a POST of FLV. */
export function publish(fixture: string, target: string, { loop = true } = {}): Running {
  const post = target.startsWith('http') ? ['-method', 'POST'] : [];
  return run('ffmpeg', [
    ...['-hide_banner', '-loglevel', 'warning', '-nostdin', '-re'],
    ...(loop ? ['-stream_loop', '-1'] : []),
    ...['-i', path.join(FIXTURES, `${fixture}.flv`), '-map', '0', '-c', 'copy', '-f', 'flv', ...post, target],
  ]);
}
