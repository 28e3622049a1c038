import {type ChildProcess, execFileSync, spawn, spawnSync} from 'node:child_process';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

const starter = join(dirname(fileURLToPath(import.meta.url)), 'with-keyring.sh');

/** Why no real keyring can be had here, or nothing. */
export function keyringMissing(): string | undefined {
  for (const program of ['dbus-run-session', 'dbus-send', 'gnome-keyring-daemon', 'secret-tool'])
    if (spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0) return `${program} is not installed`;
  const {status, stderr} = spawnSync(starter, ['true'], {timeout: 30_000, encoding: 'utf8'});
  return status === 0 ? undefined : `gnome-keyring does not start: ${stderr.trim().split('\n').at(-1) ?? status}`;
}

/** A real Secret Service on a D-Bus session of its own, until {@link stop}. */
export class KeyringSession {
  private constructor(
    private readonly child: ChildProcess,
    /** What a program needs to find it. */
    readonly env: Readonly<Record<string, string>>,
    readonly pid: number,
  ) {}

  static async start(): Promise<KeyringSession> {
    // Lives until its input ends.
    const script = 'echo "$KEYRING_PID $DBUS_SESSION_BUS_ADDRESS"; exec cat';
    const child = spawn(starter, ['sh', '-c', script], {stdio: ['pipe', 'pipe', 'pipe']});
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const line = await new Promise<string>((resolve, reject) => {
      let text = '';
      const timer = setTimeout(() => reject(new Error('The keyring did not start.')), 30_000);
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (!text.includes('\n')) return;
        clearTimeout(timer);
        resolve(text.trim());
      });
      child.on('close', code => reject(new Error(`The keyring ended with ${code}: ${said}`)));
    });
    const [pid, address] = line.split(' ');
    return new KeyringSession(child, {DBUS_SESSION_BUS_ADDRESS: address!}, Number(pid));
  }

  /** The value as any other program of the session finds it; nothing where there is none. */
  lookup(account: string): string | undefined {
    const {status, stdout} = spawnSync('secret-tool', ['lookup', 'service', 'cloudctl', 'username', account], {
      env: {...this.env, PATH: process.env['PATH']!},
      encoding: 'utf8',
      timeout: 10_000,
    });
    return status === 0 ? stdout : undefined;
  }

  /** Locks everything; without a display nobody can unlock it. */
  lock(): void {
    const service = 'org.freedesktop.secrets';
    const call = (method: string, ...args: string[]): string =>
      execFileSync(
        'dbus-send',
        ['--session', '--print-reply', `--dest=${service}`, '/org/freedesktop/secrets', method, ...args],
        {env: {...this.env, PATH: process.env['PATH']!}, encoding: 'utf8', timeout: 10_000},
      );
    const collections = call(
      'org.freedesktop.DBus.Properties.Get',
      'string:org.freedesktop.Secret.Service',
      'string:Collections',
    );
    for (const [path] of collections.matchAll(/\/org\/freedesktop\/secrets\/collection\/(?!session)\w+/g))
      call('org.freedesktop.Secret.Service.Lock', `array:objpath:${path}`);
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name);
  }

  async stop(): Promise<void> {
    const ended = new Promise(resolve => this.child.once('close', resolve));
    this.child.stdin!.end();
    await ended;
  }
}
