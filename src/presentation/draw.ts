import type {CostView, ListView, Terminal, Views} from '@cloudctl/provider-sdk';
import {plainCost, plainList} from './plain.js';

/** Plain text off a terminal; on one the provider's own drawing, or the core's where it has none. */
export async function drawList(
  view: ListView,
  terminal: Terminal | undefined,
  views: Views | undefined,
): Promise<string> {
  if (terminal === undefined || view.resources.length === 0) return plainList(view);
  return (views?.list ?? (await import('#ink')).drawList)(view, terminal);
}

export async function drawCost(
  view: CostView,
  terminal: Terminal | undefined,
  views: Views | undefined,
): Promise<string> {
  if (terminal === undefined || view.blocks.length === 0) return plainCost(view);
  return (views?.cost ?? (await import('#ink')).drawCost)(view, terminal);
}
