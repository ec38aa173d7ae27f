// The package on a server: it can be imported, has no effect, and its errors form one list.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';

const before = new Set(Object.getOwnPropertyNames(globalThis));
const { isSupported, Player, SailcastError } = await import('../../dist/index.js');
const { SailcastPlayerElement } = await import('../../dist/element.js');
const { PAGE_ERRORS, pageError } = await import('../../dist/errors.js');

const root = new URL('../../', import.meta.url);

test('importing works without a browser and leaves nothing behind', () => {
  assert.equal(isSupported(), false);
  assert.equal(typeof Player, 'function');
  assert.equal(typeof SailcastPlayerElement, 'function');
  const added = Object.getOwnPropertyNames(globalThis).filter(name => !before.has(name));
  assert.deepEqual(added, []);
});

test('the entry exports what it says', async () => {
  assert.deepEqual(Object.keys(await import('../../dist/index.js')).sort(), [
    'Player',
    'SailcastError',
    'isSupported',
    'preload',
  ]);
});

test('an error of the page says what happened and what to do', () => {
  const cause = new Error('why');
  const error = pageError('wasmFailed', 'It broke.', true, cause);
  assert.ok(error instanceof SailcastError && error instanceof Error);
  assert.equal(error.name, 'SailcastError');
  assert.equal(error.type, 'browser');
  assert.equal(error.code, 4002);
  assert.equal(error.details, 'wasmFailed');
  assert.equal(error.fatal, true);
  assert.equal(error.cause, cause);
  assert.match(error.message, /^It broke\. \S.*\.$/);
});

test('no code or name stands for two errors, here or in the engine', async () => {
  const rust = await readFile(new URL('crate/engine/src/error.rs', root), 'utf8');
  const codes = [...rust.matchAll(/Self::(\w+) => (\d{4}),/g)].map(([, name, code]) => [name, Number(code)]);
  assert.ok(codes.length > 10);
  const engine = codes.map(([name, code]) => [name[0].toLowerCase() + name.slice(1), code]);
  const page = Object.entries(PAGE_ERRORS).map(([name, [code]]) => [name, code]);
  for (const [, code] of page) assert.ok(code >= 4000 && code < 6000);
  const all = [...engine, ...page];
  assert.equal(new Set(all.map(([name]) => name)).size, all.length);
  assert.equal(new Set(all.map(([, code]) => code)).size, all.length);
  const docs = await readFile(new URL('docs/api.md', root), 'utf8');
  for (const [name, code] of all)
    assert.ok(docs.includes(`| ${code} | \`${name}\` |`), `${code} ${name} in docs/api.md`);
});

test('every event is in docs/api.md', async () => {
  const types = await readFile(new URL('www/src/types.ts', root), 'utf8');
  const map = types.slice(
    types.indexOf('interface PlayerEventMap'),
    types.indexOf('interface PlayerEventTarget'),
  );
  const docs = await readFile(new URL('docs/api.md', root), 'utf8');
  const names = [...map.matchAll(/^ {2}(\w+): CustomEvent/gm)].map(([, name]) => name);
  assert.ok(names.length > 15);
  for (const name of names) assert.ok(docs.includes(`| \`${name}\` |`), name);
  const element = await readFile(new URL('www/src/element.ts', root), 'utf8');
  for (const name of names) assert.ok(element.includes(`'${name}',`), `${name} in element.ts`);
});

test('the worklet imports nothing, so that bundlers may copy it', async () => {
  const code = await readFile(new URL('dist/internal/audio/worklet.js', root), 'utf8');
  assert.doesNotMatch(code, /^\s*import\b/m);
});

test('no any in the public types', async () => {
  for (const name of await readdir(new URL('dist/', root))) {
    if (!name.endsWith('.d.ts')) continue;
    const text = await readFile(new URL(`dist/${name}`, root), 'utf8');
    assert.doesNotMatch(text.replace(/\/\*[\s\S]*?\*\//g, ''), /\bany\b/, name);
  }
});
