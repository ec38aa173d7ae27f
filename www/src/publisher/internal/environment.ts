/** Which browser, system and device this is, in the words of a configuration's `match`. Unknown ones are `other`. */
import type { Environment } from '../config.js';

/** What is read of `navigator`. */
export interface Platform {
  userAgent?: string;
  maxTouchPoints?: number;
  userAgentData?: { mobile?: boolean };
}

/** In order: each of the later names also stands in the user agents of the earlier. */
const BROWSERS: [name: string, pattern: RegExp][] = [
  ['edge', /\bEdgA?\//],
  ['firefox', /\b(Firefox|FxiOS)\//],
  ['chrome', /\b(Chrome|Chromium|CriOS)\//],
  ['safari', /\bSafari\//],
];
const SYSTEMS: [name: string, pattern: RegExp][] = [
  ['ios', /\b(iPhone|iPad|iPod)\b/],
  ['android', /\bAndroid\b/],
  ['windows', /\bWindows\b/],
  ['macos', /\bMac OS X\b/],
  ['chromeos', /\bCrOS\b/],
  ['linux', /\bLinux\b/],
];

export function environmentOf({ userAgent = '', maxTouchPoints = 0, userAgentData }: Platform): Environment {
  const named = (table: typeof BROWSERS) =>
    table.find(([, pattern]) => pattern.test(userAgent))?.[0] ?? 'other';
  // An iPad calls itself a Mac, which has no touch screen.
  const pad = named(SYSTEMS) === 'macos' && maxTouchPoints > 1;
  const os = pad ? 'ios' : named(SYSTEMS);
  const mobile = userAgentData?.mobile ?? /\b(Mobile|iPhone|iPod)\b/.test(userAgent);
  const tablet = pad || /\biPad\b/.test(userAgent) || (os === 'android' && !mobile);
  return { browser: named(BROWSERS), os, device: tablet ? 'tablet' : mobile ? 'phone' : 'desktop' };
}
