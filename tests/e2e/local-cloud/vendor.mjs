// Runs one call of a vendor's npm client in a process of its own; see alibaba_client.cjs.
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

// Nothing is in the client's environment but the authority's file and what the order says.
export function vendorClient(cloud) {
  const home = join(cloud.folder, 'home');
  mkdirSync(home, { recursive: true });
  const redirects = { 'sts.aliyuncs.com:443': cloud.ports.sts.https, '100.100.100.200:80': cloud.ports.metadata };
  return (call, { env = {}, ...order }) => new Promise((resolve, reject) => execFile(process.execPath,
    ['--require', join(here, 'redirect.cjs'), join(here, 'alibaba_client.cjs'), JSON.stringify({ call, ...order })],
    { env: { HOME: home, REDIRECTS: JSON.stringify(redirects), NODE_EXTRA_CA_CERTS: join(cloud.folder, 'ca.pem'),
      ...env } },
    (error, out, err) => (error ? reject(new Error(`${error.message}${err}`)) : resolve(JSON.parse(out)))));
}
