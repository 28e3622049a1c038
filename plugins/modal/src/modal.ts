import type {Context, Identity, Scope} from '@cloudctl/provider-sdk';
import type {Bridge, Connection, Progress} from './bridge/index.js';
import type {PythonRuntime} from './runtime/index.js';

/** What each stage of a deploy is called on the screen. */
const STAGES: Readonly<Record<Progress['stage'], string>> = {
  connect: 'Connecting',
  image: 'Building the image',
  upload: 'Uploading the code',
  function: 'Creating the functions',
  publish: 'Publishing the app',
  record: 'Recording the deployment',
};

const DEFAULT_ENVIRONMENT = 'main';

/** One target of Modal as this process sees it: the Python environment, the connection, the child. Each made once. */
export class Modal {
  #bridge: Promise<Bridge> | undefined;
  #runtime: Promise<PythonRuntime> | undefined;
  #scope: Promise<Scope> | undefined;
  /** Of Local Modal: where its own pages are. */
  #pages: string | undefined;

  constructor(readonly context: Context) {}

  /**
   * Starts what is slow to start. Failures show when it is needed.
   *
   * @param warm whether the SDK will be needed for sure, and not only a look at what is live.
   */
  prepare(warm: boolean): void {
    this.bridge().then(
      bridge => {
        bridge.start(warm);
        bridge.connect();
        if (warm) bridge.warm();
      },
      () => undefined,
    );
  }

  bridge(): Promise<Bridge> {
    this.#bridge ??= this.#open();
    return this.#bridge;
  }

  /** The account behind the credentials. Local Modal has one, known without asking. */
  scope(): Promise<Scope> {
    this.#scope ??= this.#findScope();
    return this.#scope;
  }

  /** Asks Modal whose tokens these are. */
  async identity(): Promise<Identity> {
    const bridge = await this.bridge();
    return bridge.whoami({signal: this.context.signal});
  }

  /** Passes the child's progress on to whoever shows that of `context`. */
  progressOf({report}: Context): (progress: Progress) => void {
    return ({stage, state, log}) => {
      if (log !== undefined) report({kind: 'log', id: stage, text: log});
      else report({kind: 'stage', id: stage, title: STAGES[stage], state});
    };
  }

  /** Where a person sees the app or object. Local Modal has pages of its own, for apps. */
  dashboardUrl(url: string, appId?: string): {dashboardUrl?: string} {
    if (this.context.target !== 'local') return {dashboardUrl: url};
    return appId === undefined || this.#pages === undefined ? {} : {dashboardUrl: `${this.#pages}/apps/${appId}`};
  }

  async close(): Promise<void> {
    const bridge = await this.#bridge?.catch(() => undefined);
    await bridge?.close();
  }

  async #open(): Promise<Bridge> {
    const {Bridge} = await import('./bridge/index.js');
    const {client, environment, debug, target} = this.context;
    return new Bridge({
      client,
      target,
      environment,
      debug,
      runtime: () => this.#python(),
      connection: () => this.#connection(),
    });
  }

  #python(): Promise<PythonRuntime> {
    this.#runtime ??= import('./runtime/index.js').then(({ensureRuntime}) => ensureRuntime(this.context));
    return this.#runtime;
  }

  async #connection(): Promise<Connection> {
    const {target, credentials, environment} = this.context;
    if (target === 'local') {
      const {ensureLocalServer} = await import('./local/index.js');
      const {url, controlUrl, tokenId, tokenSecret} = await ensureLocalServer({
        ...this.context,
        runtime: () => this.#python(),
      });
      this.#pages = controlUrl;
      return {
        environment: {
          MODAL_SERVER_URL: url,
          MODAL_TOKEN_ID: tokenId,
          MODAL_TOKEN_SECRET: tokenSecret,
          MODAL_ENVIRONMENT: environment['MODAL_ENVIRONMENT'] || DEFAULT_ENVIRONMENT,
          MODAL_DISABLE_API_PROXY: '1',
        },
      };
    }
    const wanted = environment['MODAL_ENVIRONMENT'];
    const server = environment['MODAL_SERVER_URL'];
    if (server && /^https?:\/\/(127\.|localhost\b)/.test(server)) {
      this.context.warn(`MODAL_SERVER_URL points at this machine (${server}); for Local Modal use --target local.`);
    }
    return {
      environment: {
        MODAL_TOKEN_ID: credentials.get('token_id')!.reveal(),
        MODAL_TOKEN_SECRET: credentials.get('token_secret')!.reveal(),
        ...(wanted ? {MODAL_ENVIRONMENT: wanted} : {}),
        ...(server ? {MODAL_SERVER_URL: server} : {}),
      },
    };
  }

  async #findScope(): Promise<Scope> {
    const {target, environment: variables} = this.context;
    if (target === 'local')
      return {workspace: 'local', environment: variables['MODAL_ENVIRONMENT'] || DEFAULT_ENVIRONMENT};
    const bridge = await this.bridge();
    const {workspace, environment} = await bridge.whoami({signal: this.context.signal});
    return {workspace, environment};
  }
}
