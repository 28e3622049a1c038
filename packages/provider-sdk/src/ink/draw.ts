import {renderToString} from 'ink';
import type {ReactNode} from 'react';
import type {Terminal} from '../contract.js';

/** Draws once, to text. Without colour the control codes are taken out again. */
export function draw(node: ReactNode, terminal: Terminal): string {
  const text = renderToString(node, {columns: terminal.columns});
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
  return terminal.color ? text : text.replace(/\u001B\[[0-9;]*m/g, '');
}
