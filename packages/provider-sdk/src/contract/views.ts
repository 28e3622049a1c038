import type {Resource} from './resources.js';

export interface Terminal {
  columns: number;
  color: boolean;
}

export interface ListedResource extends Resource {
  /** NAME, where the ledger knows it. */
  resource?: string;
}

export interface ListView {
  title: string;
  resources: readonly ListedResource[];
  /** Said where there is nothing to show. */
  empty: string;
}

export interface CostLine {
  label: string;
  value: string;
}

export interface CostBlock {
  resource: string;
  type: string;
  lines: readonly CostLine[];
  /** Why there is no price. */
  problem?: string;
}

export interface CostView {
  provider: string;
  blocks: readonly CostBlock[];
  total: readonly CostLine[];
  /** Where the prices come from and how old they are. */
  source: string;
}

/** Drawings for a terminal. Each returns the finished text; the core writes it. */
export interface Views {
  list?(view: ListView, terminal: Terminal): Promise<string>;
  cost?(view: CostView, terminal: Terminal): Promise<string>;
}
