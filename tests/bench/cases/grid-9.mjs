import { grid } from '../grid.mjs';

export const { title, columns, key, seconds, run } = grid(9);
