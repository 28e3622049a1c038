import {chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {devPython, recorder, temporary} from '../support.js';

/** A machine with its own PATH, home and directories, on which pythons and installers are small shell scripts. */
export function machine() {
  const root = temporary();
  const bin = join(root, 'bin');
  const log = join(root, 'ran');
  mkdirSync(bin);
  const heard = recorder();
  const said: string[] = [];
  const directories = {cache: join(root, 'cache'), data: join(root, 'data')};
  const environment: Record<string, string> = {PATH: `${bin}:/usr/bin-of-nobody`, HOME: root};
  return {
    root,
    bin,
    directories,
    environment,
    heard,
    said,
    options: {directories, environment, report: heard.report, debug: (message: string) => void said.push(message)},
    /** Adds a program. Every run of it is noted. */
    program(name: string, body: string): string {
      const file = join(bin, name);
      writeFileSync(
        file,
        `#!/bin/sh\nPATH=/usr/bin:/bin\necho "${name} $(echo "$*" | tr '\\n' ' ')" >> ${log}\n${body}\n`,
      );
      chmodSync(file, 0o755);
      return file;
    },
    /** What was run, a line each. */
    ran(): string[] {
      return existsSync(log) ? readFileSync(log, 'utf8').split('\n').slice(0, -1) : [];
    },
  };
}

/** Shell: the environment at `$dir` gets an interpreter, which has the SDK; `pip` is what it does for `-m pip`. */
function environmentAt(pip: string): string {
  return `mkdir -p "$dir/bin"
cat > "$dir/bin/python" <<'END'
#!/bin/sh
PATH=/usr/bin:/bin
if [ "$1 $2" = "-m pip" ]; then
${pip}
fi
exec ${devPython} "$@"
END
chmod +x "$dir/bin/python"`;
}

/** A uv that makes an environment in no time. `install` is what it does for `pip install`. */
export function fakeUv(install: string): string {
  return `for dir in "$@"; do :; done
case "$1" in
venv) ${environmentAt('exit 1')} ;;
python) exit 1 ;;
pip)
${install}
;;
esac`;
}

/** A Python whose `-m venv` is quick and whose environments' pip does as told; else the real one. */
export function fakePython(pip: string): string {
  return `for dir in "$@"; do :; done
if [ "$1 $2" = "-m venv" ]; then
${environmentAt(pip)}
exit 0
fi
${describesItself({executable: '$0', version: [3, 11, 7]})}`;
}

/** A Python that says of itself what is given. */
export function describesItself(given: {
  executable?: string;
  version: number[];
  venv?: boolean;
  ssl?: boolean;
}): string {
  const whole = {executable: '/usr/bin/python3', venv: true, ssl: true, ...given};
  return `echo "${JSON.stringify(whole).replaceAll('"', '\\"')}"`;
}
