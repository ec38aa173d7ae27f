/**
 * The live channel in every protocol, from one publisher: our relay's packaging, ffmpeg's beside it, and recordings.
 *
 * `ports` are those of the relay and of a plain server of files with ranges, where ffmpeg packages to and the recordings lie.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createReadStream, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { media } from './media.mjs';
import { startRelay } from './relay.mjs';
import { sleep } from './session.mjs';

/** How long what is recorded has been on the air. */
const TAKE_MS = 12_000;
/** The relay waits so long for a publisher that has left, in the same file. The channel is on the air as long. */
const CLOSES_MS = 12_000;
const TYPES = {
  '.m3u8': 'application/vnd.apple.mpegurl',
  '.m4s': 'video/iso.segment',
  '.mp4': 'video/mp4',
};

/** Publishes `live` to the relay until the returned function is called. */
function publish(live, url) {
  const request = http.request(url, { method: 'POST' });
  request.on('error', error => console.error(`publishing to ${url}: ${error.message}`));
  const leave = live.watch(bytes => request.write(bytes));
  return () => {
    leave();
    request.end();
  };
}

/** Plain HLS in fragmented MP4 as ffmpeg makes it by itself, in segments as long as the relay's. */
function packageByFfmpeg(url, folder) {
  mkdirSync(folder);
  const hls = ['-f', 'hls', '-hls_time', '2', '-hls_list_size', '6', '-hls_flags', 'delete_segments'];
  const tracks = ['-map', '0:v', '-map', '0:a', '-c', 'copy'];
  const fmp4 = ['-hls_segment_type', 'fmp4', 'list.m3u8'];
  const args = ['-loglevel', 'error', '-fflags', 'nobuffer', '-i', url, ...tracks, ...hls, ...fmp4];
  const child = spawn('ffmpeg', args, { cwd: folder, stdio: ['ignore', 'inherit', 'inherit'] });
  process.once('exit', () => child.kill());
  return child;
}

async function serveFiles(folder) {
  const server = http.createServer((request, response) => {
    const headers = {
      'access-control-allow-origin': '*',
      'cache-control': 'no-store',
      'accept-ranges': 'bytes',
    };
    const file = path.join(folder, path.normalize(new URL(request.url, 'http://localhost').pathname));
    let size;
    try {
      size = statSync(file).size;
    } catch {
      response.writeHead(404, headers).end();
      return;
    }
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const start = Number(from ?? 0);
    const end = Math.min(Number(to || size - 1), size - 1);
    response.writeHead(from === undefined ? 200 : 206, {
      ...headers,
      'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream',
      'content-length': end - start + 1,
      ...(from !== undefined && { 'content-range': `bytes ${start}-${end}/${size}` }),
      'access-control-expose-headers': 'content-range',
    });
    const body = createReadStream(file, { start, end });
    response.on('close', () => body.destroy());
    body.pipe(response);
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return server;
}

export async function startOrigin(live) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sailcast-origin-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const record = path.join(folder, 'record');
  mkdirSync(record);
  const relay = await startRelay(['--hls-always', '--record', record]);
  const end = publish(live, `${relay.url}live/bench`);
  const endTake = publish(live, `${relay.url}live/take`);
  await sleep(1_000);
  const packager = packageByFfmpeg(`${relay.url}live/bench.flv`, path.join(folder, 'ffmpeg'));
  const copy = ['-y', '-loglevel', 'error', '-i', media(), '-c', 'copy'];
  for (const file of [
    ['-movflags', '+faststart', path.join(folder, 'first.mp4')],
    ['-flvflags', 'add_keyframe_index', path.join(folder, 'film.flv')],
  ]) {
    spawnSync('ffmpeg', [...copy, ...file], { stdio: 'inherit' });
  }
  await sleep(TAKE_MS);
  endTake();
  await sleep(CLOSES_MS);
  const records = path.join(record, 'live');
  const take = readdirSync(records).find(name => name.startsWith('take-'));
  renameSync(path.join(records, take), path.join(folder, 'take.mp4'));
  const files = await serveFiles(folder);
  return {
    ports: { relay: Number(new URL(relay.url).port), files: files.address().port },
    async close() {
      end();
      packager.kill();
      files.close().closeAllConnections();
      await relay.end();
    },
  };
}
