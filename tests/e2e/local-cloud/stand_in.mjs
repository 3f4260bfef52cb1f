// Starts sesame-local-cloud for a test and reads what it wrote.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import https from 'node:https';

const here = dirname(fileURLToPath(import.meta.url));
const build = process.env.SESAME_TEST_BUILDDIR ?? join(here, '../../../build');

export async function startStandIn(...options) {
  const base = mkdtempSync(join(tmpdir(), 'sesame-cloud-'));
  const folder = join(base, 'state');
  const child = spawn(join(build, 'sesame-local-cloud'),
    ['--state-dir', folder, '--secret-prefix', 'recognise-me-', '--exit-with-parent', ...options],
    { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve, reject) => {
    child.stdout.on('data', (text) => String(text).includes('ready') && resolve());
    child.on('exit', (code) => reject(new Error(`sesame-local-cloud ended with ${code}`)));
  });
  const environment = Object.fromEntries(readFileSync(join(folder, 'environment'), 'utf8')
    .trim().split('\n').map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1).replace(/^"(.*)"$/, '$1')];
    }));
  const config = JSON.parse(readFileSync(join(folder, 'client-config.json'), 'utf8'));
  const ports = JSON.parse(readFileSync(join(folder, 'ports.json'), 'utf8'));
  const ca = readFileSync(join(folder, 'ca.pem'));
  const controlUrl = environment.SESAME_LOCAL_CLOUD_CONTROL;

  // Node's fetch takes no CA file at run time, so https goes through node:https.
  const request = (url, { method = 'GET', headers = {}, body } = {}) =>
    new Promise((resolve, reject) => {
      const call = https.request(url, { method, headers, ca }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part) => { text += part; });
        answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text,
          json: () => JSON.parse(text) }));
      });
      call.on('error', reject);
      call.end(body);
    });
  const token = async (scope) => (await request(config.tokenEndpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ client_id: config.clientId, grant_type: 'client_credentials',
      client_secret: environment.IDAAS_CLIENT_SECRET, scope }).toString(),
  })).json();
  const apiKey = async (identifier) => {
    const { access_token: at } = await token('urn:cloud:idaas:pam|.all');
    const answer = await request(`https://${config.developerApiEndpoint}/v2/` +
      `${config.idaasInstanceId}/credentials/_/actions/obtain?credentialIdentifier=${identifier}`,
      { headers: { authorization: `Bearer ${at}` } });
    return answer.json().credentialContent.apiKeyContent.apiKey;
  };
  const control = async (path, body) => (await fetch(controlUrl + path,
    body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) })).json();
  // Keys and tokens come to the model, the map service and the enterprise service as a bearer and in no other way.
  const findNoStray = async () => {
    for (const text of ['recognise-me-', 'eyJhbGciOi'])
      for (const { number, route, where } of await control('/requests/find', { text }))
        if (['model', 'mcp', 'enterprise'].includes(route))
          assert.deepEqual(where.map((place) => place.toLowerCase()), ['header authorization'], `a secret is in request ${number} to ${route}`);
  };
  const stop = async () => {
    const stray = await findNoStray().then(() => null, (error) => error);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const code = await ended;
    rmSync(base, { recursive: true });
    if (stray !== null) throw stray;
    return code;
  };
  return { folder, environment, config, ports, request, token, apiKey, control, stop };
}
