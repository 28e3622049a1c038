import {join} from 'node:path';

interface Directories {
  cacheDir: string;
  dataDir: string;
}

/** Where a provider keeps what it needs: below CloudCTL's own directories, by the provider's name. */
export function providerDirectories(config: Directories, provider: string): {cache: string; data: string} {
  return {
    cache: join(config.cacheDir, 'providers', provider),
    data: join(config.dataDir, 'providers', provider),
  };
}
