// The package on a server: it can be imported, has no effect, and its errors form one list.
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';

const before = new Set(Object.getOwnPropertyNames(globalThis));
const { isSupported, Player, SailcastError } = await import('../../dist/index.js');
const { SailcastPlayerElement } = await import('../../dist/element.js');
const { PAGE_ERRORS, pageError } = await import('../../dist/errors.js');
const { Publisher } = await import('../../dist/publisher/index.js');
const { SailcastPublisherElement } = await import('../../dist/publisher/element.js');
const { PUBLISHER_ERRORS, publisherError, SHARED_ERRORS } = await import(
  '../../dist/publisher/internal/errors.js'
);

const root = new URL('../../', import.meta.url);

test('importing works without a browser and leaves nothing behind', () => {
  assert.equal(isSupported(), false);
  assert.equal(typeof Player, 'function');
  assert.equal(typeof SailcastPlayerElement, 'function');
  assert.equal(Publisher.isSupported(), false);
  assert.equal(typeof SailcastPublisherElement, 'function');
  const added = Object.getOwnPropertyNames(globalThis).filter(name => !before.has(name));
  assert.deepEqual(added, []);
});

test('the entries export what they say', async () => {
  assert.deepEqual(Object.keys(await import('../../dist/index.js')).sort(), [
    'Player',
    'SailcastError',
    'isSupported',
    'preload',
  ]);
  assert.deepEqual(Object.keys(await import('../../dist/thumbnails.js')), ['createThumbnails']);
  assert.deepEqual(Object.keys(await import('../../dist/publisher/index.js')).sort(), [
    'Publisher',
    'SailcastError',
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
  const page = Object.entries({ ...PAGE_ERRORS, ...PUBLISHER_ERRORS }).map(([name, [code]]) => [name, code]);
  for (const [, code] of page) assert.ok(code >= 4000 && code < 6000);
  const all = [...engine, ...page];
  assert.equal(new Set(all.map(([name]) => name)).size, all.length);
  assert.equal(new Set(all.map(([, code]) => code)).size, all.length);
  const docs = await readFile(new URL('docs/api.md', root), 'utf8');
  for (const [name, code] of all)
    assert.ok(docs.includes(`| ${code} | \`${name}\` |`), `${code} ${name} in docs/api.md`);
});

test('an error that player, publisher and engine share has one code and its own advice', async () => {
  const rust = await readFile(new URL('crate/engine/src/error.rs', root), 'utf8');
  for (const [name, [code]] of Object.entries(SHARED_ERRORS)) {
    const engine = `Self::${name[0].toUpperCase()}${name.slice(1)} => ${code},`;
    assert.ok(code === PAGE_ERRORS[name]?.[0] || rust.includes(engine), name);
  }
  assert.match(publisherError('workerCrashed', 'It broke.').message, /^It broke\. Call start\(\)/);
});

test('every event is in docs/api.md and goes through the element', async () => {
  const docs = await readFile(new URL('docs/api.md', root), 'utf8');
  for (const [folder, map] of [
    ['www/src/', 'PlayerEvent'],
    ['www/src/publisher/', 'PublisherEvent'],
  ]) {
    const types = await readFile(new URL(`${folder}types.ts`, root), 'utf8');
    const events = types.slice(types.indexOf(`interface ${map}Map`), types.indexOf(`interface ${map}Target`));
    const names = [...events.matchAll(/^ {2}(\w+): CustomEvent/gm)].map(([, name]) => name);
    assert.ok(names.length > 15);
    for (const name of names) assert.ok(docs.includes(`| \`${name}\` |`), name);
    const element = await readFile(new URL(`${folder}element.ts`, root), 'utf8');
    for (const name of names) assert.ok(element.includes(`'${name}',`), `${name} in element.ts`);
  }
});

test('the worklets import nothing, so that bundlers may copy them', async () => {
  for (const name of ['internal/audio/worklet.js', 'publisher/internal/capture/worklet.js']) {
    const code = await readFile(new URL(`dist/${name}`, root), 'utf8');
    assert.doesNotMatch(code, /^\s*import\b/m, name);
  }
});

test('no any in the public types', async () => {
  const publisher = await readdir(new URL('dist/publisher/', root));
  for (const name of [
    ...(await readdir(new URL('dist/', root))),
    ...publisher.map(name => `publisher/${name}`),
  ]) {
    if (!name.endsWith('.d.ts')) continue;
    const text = await readFile(new URL(`dist/${name}`, root), 'utf8');
    assert.doesNotMatch(text.replace(/\/\*[\s\S]*?\*\//g, ''), /\bany\b/, name);
  }
});
