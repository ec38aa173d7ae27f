/** Options and arguments that cannot be. */
import { pageError } from '../errors.js';

/** Gives `value` back if it is good. */
export function check(good: boolean, name: string, value: unknown): unknown {
  if (!good) throw pageError('optionInvalid', `The option ${name} cannot be ${JSON.stringify(value)}.`);
  return value;
}
