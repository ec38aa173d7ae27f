#!/usr/bin/env node
/** Writes expected/: the MD5 of each picture of the fixtures, as ffmpeg decodes them. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { pictures } from './ffmpeg.mjs';
import { root } from './module.mjs';

const FIXTURES = ['counter-av', 'counter-bframes', 'video-only', 'card'];

const expected = {};
for (const name of FIXTURES) {
  // Half of an MD5 tells two pictures apart as well.
  expected[name] = pictures(['-i', path.join(root, `tests/fixtures/media/${name}.flv`)]).map(sum =>
    sum.slice(0, 16),
  );
}
writeFileSync(path.join(root, 'tests/codec/expected/h264.json'), `${JSON.stringify(expected)}\n`);
