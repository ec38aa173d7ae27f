/** A publisher for what Debian's ffmpeg cannot read: the tags of a fixture, as they are and at their pace, posted to the relay. */
import http from 'node:http';
import { readFlv } from './flv.js';

/** Stops by itself at the fixture's end. `speed`: times as fast as it is. */
export function post(fixture: string, target: string, speed = 1): { stop(): void } {
  const { header, tags } = readFlv(fixture);
  const request = http.request(target, { method: 'POST', headers: { 'Content-Type': 'video/x-flv' } });
  // A relay that is stopped breaks the connection.
  request.on('error', () => {});
  request.write(header);
  const start = Date.now();
  let next = 0;
  const send = () => {
    const due = (Date.now() - start) * speed;
    for (let tag = tags[next]; tag && tag.timestamp <= due; tag = tags[++next]) request.write(tag.bytes);
    if (next === tags.length) {
      clearInterval(timer);
      request.end();
    }
  };
  const timer = setInterval(send, 10);
  return {
    stop: () => {
      clearInterval(timer);
      request.destroy();
    },
  };
}
