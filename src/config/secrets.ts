import {type CredentialDefinition, EXIT, type ProviderDefinition} from '@cloudctl/provider-sdk';
import type {ProblemKind} from './problems.js';

/** Why a value cannot be had. The message never has the value of a variable. */
export interface Refusal extends ProblemKind {
  message: string;
  hints: readonly string[];
}

/** Secrets that can be told by their form alone, whosever they are. */
const WELL_KNOWN: readonly {title: string; form: RegExp}[] = [
  {title: 'private key', form: /-----BEGIN [A-Z ]*PRIVATE KEY-----/g},
  {title: 'AWS access key', form: /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g},
  {title: 'GitHub token', form: /\b(?:gh[opsru]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22})/g},
  {title: 'Hugging Face token', form: /\bhf_[A-Za-z0-9]{30}/g},
  {title: 'Slack token', form: /\bxox[abeoprs]-[A-Za-z0-9-]{20}/g},
  {title: 'secret API key', form: /\bsk[-_](?=[a-z_-]*[0-9A-Z])(?:[a-z]+[-_])*[A-Za-z0-9]{20}/g},
];

/** Keeps credentials out of the project file: it is shared, and what it says is shown and recorded. */
export class SecretGuard {
  readonly #credentials: readonly {provider: ProviderDefinition; credential: CredentialDefinition}[];

  constructor(private readonly providers: readonly ProviderDefinition[]) {
    this.#credentials = providers.flatMap(provider => provider.credentials.map(credential => ({provider, credential})));
  }

  /** Where a text has something that looks like a credential of one of the providers, or of a well-known kind. */
  find(text: string): {offset: number; refusal: Refusal}[] {
    const own = this.#credentials.flatMap(({provider, credential}) => {
      if (!credential.prefix) return [];
      const prefix = credential.prefix.replace(/[^\w]/g, '\\$&');
      const runs = text.matchAll(new RegExp(`(?<![A-Za-z0-9])${prefix}([A-Za-z0-9_-]{16,})`, 'g'));
      return [...runs]
        .filter(([, rest]) => isTokenLike(rest!))
        .map(({index}) => ({
          offset: index,
          refusal: this.refuse(`this looks like a ${credential.title}`, provider, credential),
        }));
    });
    const known = WELL_KNOWN.flatMap(({title, form}) =>
      [...text.matchAll(form)].map(({index}) => ({offset: index, refusal: this.refuse(`this looks like a ${title}`)})),
    );
    return [...own, ...known];
  }

  /** Refuses the variable in which a provider's own tools look for a credential. */
  ofVariable(name: string): Refusal | undefined {
    const owner = this.#credentials.find(({credential}) => credential.variable === name);
    if (owner === undefined) return undefined;
    return this.refuse(`${name} is the ${owner.credential.title}`, owner.provider, owner.credential);
  }

  private refuse(what: string, provider?: ProviderDefinition, credential?: CredentialDefinition): Refusal {
    const keeper = [provider, ...this.providers].find(each =>
      Object.values(each?.resources ?? {}).some(({flags}) => 'secret' in flags),
    );
    return {
      code: 'CREDENTIAL_IN_PROJECT_FILE',
      exitCode: EXIT.usage,
      message: `${what}, and credentials do not belong here`,
      hints: [
        ...(provider === undefined || credential === undefined
          ? []
          : [`Credentials of ${provider.title} are stored apart: cloudctl secrets ${provider.name} ${credential.key}`]),
        ...(keeper === undefined
          ? []
          : [`What your code needs to know is kept with ${keeper.title}: secret: [NAME], or --secret NAME`]),
      ],
    };
  }
}

/** Names with dashes are words; tokens mix digits and capitals into one long run. */
function isTokenLike(text: string): boolean {
  const mixed = /\d/.test(text) && /[A-Z]/.test(text) && /[a-z]/.test(text);
  return mixed || /(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{16,}/.test(text);
}
