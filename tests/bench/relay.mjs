/** The relay as it was built, for as long as a bench runs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const RELAY = process.env.SAILCAST_RELAY ?? path.join(root, 'target/debug/sailcast-relay');

/** At a free port; `args`: beside that. */
export async function startRelay(args) {
  if (!existsSync(RELAY)) throw new Error(`${RELAY} is missing: cargo build -p sailcast-relay`);
  const child = spawn(RELAY, ['--port', '0', ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  process.once('exit', () => child.kill());
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /listening on (http:\S+)/.exec(line)?.[1];
    if (url) {
      const end = () => {
        child.kill();
        return once(child, 'exit');
      };
      return { url: `${url}/`, end };
    }
  }
  throw new Error('the relay ended before it listened');
}
