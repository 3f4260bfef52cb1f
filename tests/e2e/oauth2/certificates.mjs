// Throw-away certificates, made with the openssl command.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

// A certificate and key in `folder`, signed by `ca` (a name made before) or by itself.
export function makeCertificate(folder, name, { ca, extensions = [] } = {}) {
  const key = join(folder, `${name}.key`), pem = join(folder, `${name}.pem`);
  const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key,
    '-out', pem, '-subj', `/CN=${name}`, '-days', '2'];
  if (ca) words.push('-CA', join(folder, `${ca}.pem`), '-CAkey', join(folder, `${ca}.key`));
  for (const extension of extensions) words.push('-addext', extension);
  execFileSync('openssl', words, { stdio: 'pipe' });
  return { key, pem, keyText: readFileSync(key), pemText: readFileSync(pem, 'utf8') };
}
