/** WebKitGTK's MiniBrowser with mock devices, by WebDriver under Xvfb. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { freePort, start, until } from './stage.mjs';

const LIBRARIES = '/usr/lib';
const VERSIONS = ['webkit2gtk-4.1', 'webkit2gtk-4.0', 'webkitgtk-6.0'];
const FEATURES = '+MediaStreamTrackProcessing,+MockCaptureDevices,-MediaCaptureRequiresSecureConnection';

function miniBrowser() {
  const machines = readdirSync(LIBRARIES).filter(name => name.includes('-linux-'));
  const paths = machines.flatMap(name =>
    VERSIONS.map(version => path.join(LIBRARIES, name, version, 'MiniBrowser')),
  );
  return paths.find(file => existsSync(file));
}

export async function openWebKit({ env, url }) {
  const binary = miniBrowser();
  if (!binary) throw new Error('MiniBrowser is missing: apt-get install webkit2gtk-driver xvfb dbus');
  const port = await freePort();
  const words = ['-a', 'dbus-run-session', '--', 'WebKitWebDriver', `--port=${port}`];
  const driver = start('xvfb-run', words, { ...env, WEBKIT_DISABLE_COMPOSITING_MODE: '1' });
  const ask = async (method, path, body) => {
    const request = { method, body: body && JSON.stringify(body), signal: AbortSignal.timeout(60_000) };
    const response = await fetch(`http://127.0.0.1:${port}${path}`, request);
    const { value } = await response.json();
    if (value?.error) throw new Error(`${path}: ${value.error}: ${value.message}`);
    return value;
  };
  try {
    await until('WebKitWebDriver answers', async () => (await ask('GET', '/status')).ready, 20);
    const options = { binary, args: ['--automation', `--features=${FEATURES}`] };
    const alwaysMatch = { 'webkitgtk:browserOptions': options };
    const { sessionId, capabilities } = await ask('POST', '/session', { capabilities: { alwaysMatch } });
    const session = `/session/${sessionId}`;
    await ask('POST', `${session}/timeouts`, { script: 50_000 });
    await ask('POST', `${session}/url`, { url });
    return {
      // WebKitGTK 2.50 crashes in its AudioDecoder.
      playerOptions: { decoder: 'wasm' },
      version: `WebKitGTK ${capabilities.browserVersion}`,
      async run(action, ...args) {
        const script = `const done = arguments[arguments.length - 1];
          Promise.resolve((${action})(...[...arguments].slice(0, -1)))
            .then(value => done(JSON.stringify({ value })), error => done(JSON.stringify({ error: String(error?.message ?? error) })));`;
        const answer = await ask('POST', `${session}/execute/async`, { script, args });
        const { value, error } = JSON.parse(answer);
        if (error) throw new Error(error);
        return value;
      },
      reload: () => ask('POST', `${session}/refresh`, {}),
      /** Without a user's action nothing is heard. */
      async click(value) {
        const element = await ask('POST', `${session}/element`, { using: 'css selector', value });
        await ask('POST', `${session}/element/${Object.values(element)[0]}/click`, {});
      },
      async close() {
        await ask('DELETE', session).catch(() => {});
        await driver.stop();
      },
    };
  } catch (error) {
    await driver.stop();
    throw new Error(`${error.message}\n${driver.output()}`);
  }
}
