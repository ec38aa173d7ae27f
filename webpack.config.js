// Bundles the demo as a user's project would: plain webpack 5, no loaders, `sailcast` found through package.json's exports.
// In: .cache/demo, which `cargo xtask build` fills from www/demo (TypeScript compiled, the rest copied). Out: dist-demo.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const path = name => fileURLToPath(new URL(name, import.meta.url));

/** The page itself is not a module: it goes along as it is. */
class Page {
  apply(compiler) {
    compiler.hooks.thisCompilation.tap('Page', compilation => {
      compilation.hooks.processAssets.tapPromise('Page', async () => {
        const html = await readFile(path('.cache/demo/index.html'));
        compilation.emitAsset('index.html', new compiler.webpack.sources.RawSource(html));
      });
    });
  }
}

export default {
  mode: 'production',
  devtool: 'source-map',
  target: 'web',
  entry: { main: './.cache/demo/main.js' },
  output: {
    path: path('dist-demo'),
    filename: '[name].js',
    cssFilename: '[name].css',
    chunkFilename: '[name].[contenthash:8].js',
    assetModuleFilename: '[name].[contenthash:8][ext]',
    clean: true,
  },
  experiments: { css: true },
  module: {
    parser: {
      // `addModule()` is recognised by the name of what it is called on.
      javascript: { worker: ['*context.audioWorklet.addModule()', '...'] },
    },
  },
  plugins: [new Page()],
  // The wasm is one file of about 100 KB; webpack's limits are for pages that load it in their first script.
  performance: { hints: false },
  stats: 'errors-warnings',
};
