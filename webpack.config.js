// Bundles the demo as a user's project would: plain webpack 5, no loaders, `sailcast` found through package.json's exports.
// In: .cache/demo, the demo's modules as tsc leaves them, and the other files of www/demo as they are. Out: dist-demo.
import { readdir, readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { fileURLToPath } from 'node:url';

const path = name => fileURLToPath(new URL(name, import.meta.url));

/** What the page links to by name: itself, its style sheets, its icon. */
class Page {
  async files() {
    const names = await readdir(path('www/demo'));
    const own = names.filter(name => ['.html', '.css', '.svg', '.png'].includes(extname(name)));
    return [...own.map(name => path(`www/demo/${name}`)), path('node_modules/uplot/dist/uPlot.min.css')];
  }

  apply(compiler) {
    compiler.hooks.thisCompilation.tap('Page', compilation => {
      compilation.hooks.processAssets.tapPromise('Page', async () => {
        for (const file of await this.files()) {
          compilation.emitAsset(basename(file), new compiler.webpack.sources.RawSource(await readFile(file)));
        }
      });
    });
  }
}

export default {
  mode: 'production',
  devtool: 'source-map',
  target: ['web', 'es2022'],
  entry: { main: './.cache/demo/main.js' },
  output: {
    path: path('dist-demo'),
    module: true,
    filename: '[name].js',
    chunkFilename: '[name].[contenthash:8].js',
    assetModuleFilename: '[name].[contenthash:8][ext]',
    clean: true,
  },
  experiments: { outputModule: true },
  module: {
    parser: {
      // `addModule()` is recognised by the name of what it is called on.
      javascript: { worker: ['*context.audioWorklet.addModule()', '...'] },
    },
  },
  plugins: [new Page()],
  // The wasm are files of 100 KB and more; webpack's limits are for pages that load it in their first script.
  performance: { hints: false },
  stats: 'errors-warnings',
};
