import type {Change, JsonValue} from '@cloudctl/provider-sdk';
import type {History, HistoryEntry} from '../services/history.js';
import {placeOf} from '../services/ledger.js';
import {shortDigest, valueText} from './values.js';

/** A deployment a block: one line, then what it changed, indented. */
export function historyText({record, deployments}: History): string {
  const width = String(deployments[0]?.number ?? '').length;
  const blocks = deployments.map(entry =>
    [
      `${String(entry.number).padStart(width)}  ${deploymentLine(entry)}`,
      ...changeLines(entry).map(line => `${' '.repeat(width + 4)}${line}`),
    ].join('\n'),
  );
  return [`${record.resource} (${record.type}) on ${placeOf(record)}`, ...blocks].join('\n');
}

/** When, what, by which version: `2026-01-01T00:00:00Z  rolled back to 2, cloudctl 0.2.0 (current)`. */
export function deploymentLine({deployedAt, action, rolledBackTo, client, current}: HistoryEntry): string {
  const to = rolledBackTo === undefined ? '' : ` to ${rolledBackTo}`;
  return `${deployedAt}  ${action}${to}, cloudctl ${client}${current ? ' (current)' : ''}`;
}

/** Where else the NAME is, and how to ask for that. */
export function otherPlaces({others}: History): string {
  return [
    `Shown is the newest. "${others[0]!.resource}" is elsewhere too:`,
    ...others.map(
      ({provider, target, scope, deployedAt}) =>
        `  --provider ${provider} --target ${target} --environment ${scope.environment} (workspace ${scope.workspace}, deployed at ${deployedAt})`,
    ),
  ].join('\n');
}

function changeLines({changes, number, action}: HistoryEntry): string[] {
  if (changes === undefined) return ['(what it changed is not known here)'];
  if (changes.length === 0) return number === 1 || action === 'adopted' ? [] : ['(nothing changed)'];
  return changes.map(({field, before, after}: Change) =>
    field === 'code'
      ? `code: ${codeText(before)} -> ${codeText(after)}`
      : `${field}: ${valueText(before)} -> ${valueText(after)}`,
  );
}

function codeText(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return '(none)';
  const {digest, files} = value as {digest: string; files: number};
  return `${shortDigest(digest)} (${files} file${files === 1 ? '' : 's'})`;
}
