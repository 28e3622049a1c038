import {request} from 'node:http';
import type {ServerFile} from './state.js';

/** What the server says of itself. */
export interface ControlStatus {
  pid: number;
  version: string;
  apps: number;
  functions: number;
  volumes: number;
  containers: number;
}

const MOST = 1024 * 1024;

/** One request to the server's control port, with its token pair. Rejects when nothing answers in time. */
function control(
  server: ServerFile,
  method: 'GET' | 'POST',
  path: string,
  timeout: number,
): Promise<{status: number; body: string}> {
  return new Promise((resolve, reject) => {
    const call = request(
      new URL(path, server.controlUrl),
      {
        method,
        // Neither a proxy nor a kept connection, which would hold Node back.
        agent: false,
        headers: {'Modal-Key': server.tokenId, 'Modal-Secret': server.tokenSecret, 'Content-Length': '0'},
      },
      response => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => {
          if (body.length < MOST) body += text;
        });
        response.on('end', () => resolve({status: response.statusCode ?? 0, body}));
        response.on('error', reject);
      },
    );
    const timer = setTimeout(() => call.destroy(new Error(`no answer within ${timeout} ms`)), timeout);
    call.on('error', reject);
    call.on('close', () => clearTimeout(timer));
    call.end();
  });
}

/** Asks the server for its status. Nothing when it does not answer, or something else does. */
export async function askStatus(server: ServerFile, timeout: number): Promise<ControlStatus | undefined> {
  try {
    const {status, body} = await control(server, 'GET', '/status', timeout);
    if (status !== 200) return undefined;
    const answer = JSON.parse(body) as ControlStatus;
    return answer.pid === server.pid ? answer : undefined;
  } catch {
    return undefined;
  }
}

/** Asks the server to end in good order. Whether it took the request. */
export async function askShutdown(server: ServerFile, timeout: number): Promise<boolean> {
  try {
    const {status} = await control(server, 'POST', '/shutdown', timeout);
    return status < 300;
  } catch {
    return false;
  }
}
