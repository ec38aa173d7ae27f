/** ffmpeg, a packager that is not ours, makes live HLS of a fixture in a folder of its own, and a server gives it out. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { FIXTURES } from '../../interop/ffmpeg.js';
import { type Running, run, until } from '../../interop/process.js';
import { Folder, type Spoil } from './folder.js';

export interface Packaged {
  url: string;
  folder: Folder;
  /** When the stream began, ms since 1970: its first picture is the fixture's first. */
  began: number;
  stop(): Promise<void>;
}

const LIVE = ['-hide_banner', '-loglevel', 'error', '-nostdin', '-re', '-stream_loop', '-1'];

/** `args`: after the input, and up to the playlist `live.m3u8`. Resolves when there is something to play. */
export async function packageLive(
  args: readonly string[],
  { source = path.join(FIXTURES, 'counter-av.flv'), segments = 3, list = 'live.m3u8' } = {},
  spoil?: Spoil,
): Promise<Packaged> {
  const cwd = mkdtempSync(path.join(os.tmpdir(), 'sailcast-hls-'));
  writeFileSync(path.join(cwd, 'key.bin'), 'sixteen bytes :)');
  writeFileSync(path.join(cwd, 'key.info'), 'key.bin\nkey.bin\n');
  const began = Date.now();
  const ffmpeg: Running = run('ffmpeg', [...LIVE, '-i', source, ...args, list], { cwd });
  const folder = await Folder.start(cwd, spoil);
  const stop = async () => {
    await ffmpeg.stop();
    await folder.stop();
    rmSync(cwd, { recursive: true, force: true });
  };
  const made = path.join(cwd, list.replace('%v', '0'));
  try {
    const there = () => existsSync(made) && readFileSync(made, 'utf8').split('#EXTINF').length > segments;
    await until('ffmpeg packages', async () => there(), 20);
  } catch (error) {
    await stop();
    throw new Error(`${error}\n${ffmpeg.output()}`);
  }
  return { url: folder.url('live.m3u8'), folder, began, stop };
}
