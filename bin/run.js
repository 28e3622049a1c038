#!/usr/bin/env node
import {guardArguments, printRefusal} from '../dist/command-line/argv-guard.js';

const typed = process.argv.slice(2);
const {argv, refusal} = guardArguments(typed);
if (refusal === undefined) {
  process.argv.splice(2, typed.length, ...argv);
  const {main} = await import('../dist/main.js');
  await main(argv, import.meta.url);
} else printRefusal(refusal, typed.includes('--json'));
