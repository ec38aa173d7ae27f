// `node minify.mjs DIR...`: shortens the modules that tsc wrote, in place, each with a source map back to TypeScript.
// What a bundler looks for stays as it is: its own comments, `new URL(..., import.meta.url)`, a variable `context`
// before `.audioWorklet.addModule()`. So do the names of classes, for stack traces and consoles.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { minify } from 'terser';

const options = {
  module: true,
  ecma: 2022,
  compress: { passes: 2 },
  mangle: { reserved: ['context'] },
  keep_classnames: true,
  format: { comments: /webpack|@vite/ },
};

async function shorten(file) {
  const [code, map] = await Promise.all([readFile(file, 'utf8'), readFile(`${file}.map`, 'utf8')]);
  const sourceMap = { content: map, includeSources: true, url: `${basename(file)}.map` };
  const short = await minify({ [basename(file)]: code }, { ...options, sourceMap });
  await Promise.all([writeFile(file, `${short.code}\n`), writeFile(`${file}.map`, short.map)]);
}

for (const dir of process.argv.slice(2)) {
  const entries = await readdir(dir, { recursive: true });
  const maps = entries.filter(name => name.endsWith('.js.map'));
  await Promise.all(maps.map(name => shorten(join(dir, name.slice(0, -'.map'.length)))));
}
