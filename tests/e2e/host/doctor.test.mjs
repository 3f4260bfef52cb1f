// One seeded mistake after the other: the doctor names its setting and its fix, reports nothing that only follows from it,
// looks at this machine before it sends anything, and shows no secret.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';

import { startStandIn } from '../local-cloud/stand_in.mjs';
import { build, run, startAgent, userToken } from './agent.mjs';

let cloud, other, base, env, holder;
before(async () => {
  [cloud, other] = await Promise.all([startStandIn(), startStandIn()]);
  base = mkdtempSync(join(tmpdir(), 'sesame-doctor-'));
  const key = /ENV_PRIVATE_KEY="(.*)"/.exec(readFileSync(join(cloud.folder, 'clients/environment'), 'utf8'))[1];
  // Nothing of the machine that runs the test counts, a proxy of its own least of all.
  env = { ...cloud.environment, ENV_PRIVATE_KEY: key, HOME: base, PATH: process.env.PATH,
    SESAME_STS_ENDPOINT: `https://127.0.0.1:${cloud.ports.sts.https}`,
    SESAME_ECS_METADATA_ENDPOINT: `http://127.0.0.1:${cloud.ports.metadata}` };
  holder = createServer((socket) => socket.destroy());
  await new Promise((resolve) => holder.listen(0, '127.0.0.1', resolve));
});
after(async () => {
  holder.close();
  assert.equal(await cloud.stop(), 0);
  assert.equal(await other.stop(), 0);
  rmSync(base, { recursive: true });
});
beforeEach(() => cloud.control('/reset', {}));

// ---- what mistakes are made of ----------------------------------------------------------------

let files = 0;
function write(text) {
  const path = join(base, `file-${files += 1}`);
  writeFileSync(path, text);
  return path;
}
const host = (members) => ['--config', write(typeof members === 'string' ? members : JSON.stringify(members))];
// A copy of one of the stand-in's SDK files with other members.
function sdk(members, name = '../client-config', authn = {}) {
  const config = JSON.parse(readFileSync(join(cloud.folder, 'clients', `${name}.json`), 'utf8'));
  Object.assign(config, members);
  Object.assign(config.authnConfiguration, authn);
  return { CLOUD_IDAAS_CONFIG_PATH: write(JSON.stringify(config)) };
}
const method = (name, authn) => sdk({}, name, authn);
const pem = (type, options, form = {}) => generateKeyPairSync(type, { ...options,
  publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem', ...form } });
const changed = (name, from, to) => ({ [name]: env[name].replace(from, to) });
function plugins(change) {
  const folder = mkdtempSync(join(base, 'plugins-'));
  chmodSync(folder, 0o755);
  for (const name of readdirSync(join(build, 'sesame-plugins')))
    cpSync(join(build, 'sesame-plugins', name), join(folder, name), { dereference: true });
  for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o755);
  change(folder);
  return host({ plugins: { directory: folder } });
}

// ---- the table --------------------------------------------------------------------------------

// [mistake, what is seeded, the step that fails, its setting, its fix, its words]. `seed` may give variables, words of the
// command line, orders for the stand-in.
const offline = [
  ['the client secret is not set', () => ({ env: { IDAAS_CLIENT_SECRET: undefined } }),
    'configuration', /clientSecretEnvVarName/, /Set IDAAS_CLIENT_SECRET/, /IDAAS_CLIENT_SECRET.*not set/],
  ['the client secret is empty', () => ({ env: { IDAAS_CLIENT_SECRET: '' } }),
    'configuration', /clientSecretEnvVarName/, /Set IDAAS_CLIENT_SECRET/, /is empty/],
  ['a variable is empty', () => ({ env: { AGENT_AUDIENCE: '' } }),
    'configuration', /inbound\.audience/, /Set AGENT_AUDIENCE/, /AGENT_AUDIENCE is empty/],
  ['a variable is not set', () => ({ env: { EXTERNAL_SERVER_URL: undefined } }),
    'configuration', /credentials\.amap/, /Set EXTERNAL_SERVER_URL/, /EXTERNAL_SERVER_URL is not set/],
  ['ACCESS_IDENTITY is mistyped', () => ({ env: { ACCESS_IDENTITY: 'machine' } }),
    'configuration', /identity/, /ACCESS_IDENTITY=Machine/, /ACCESS_IDENTITY must be Machine or Human/],
  ['the scope lacks its |', () => ({ env: { ENTERPRISE_SERVICE_SCOPE: 'https://enterprise.example.com' } }),
    'configuration', /credentials\.enterprise\.scope \(ENTERPRISE_SERVICE_SCOPE\)/, /audience\|scope/, /not of the form/],
  ['the scope is quoted on one side only', () => ({ env: { ENTERPRISE_SERVICE_SCOPE: `"${env.ENTERPRISE_SERVICE_SCOPE}` } }),
    'configuration', /credentials\.enterprise\.scope \(ENTERPRISE_SERVICE_SCOPE\)/, /without quotes/, /quotation mark/],
  ['the scope names two audiences', () => ({ env: { ENTERPRISE_SERVICE_SCOPE: 'https://a.example|x https://b.example|y' } }),
    'configuration', /ENTERPRISE_SERVICE_SCOPE/, /one audience|audience/i, /audience/i],
  ['JWKS_ENDPOINT is http', () => ({ env: { JWKS_ENDPOINT: 'http://idaas.example/jwks' } }),
    'configuration', /inbound\.jwks_url \(JWKS_ENDPOINT\)/, /./, /plain http.*https/],
  ['LLM_BASE_URL is http', () => ({ env: { LLM_BASE_URL: 'http://model.example/v1' } }),
    'configuration', /\(LLM_BASE_URL\)/, /./, /plain http.*https/],
  ['the SDK file is not there', () => ({ env: { CLOUD_IDAAS_CONFIG_PATH: '/nowhere.json' } }),
    'configuration', /IDaaS configuration|\/nowhere/, /./, /Failed to load the SDK configuration: \/nowhere\.json.*cloud_idaas_config_path/],
  ['the SDK file is a folder', () => ({ env: { CLOUD_IDAAS_CONFIG_PATH: base } }),
    'configuration', /sesame-doctor-|IDaaS configuration/, /./, /./],
  ['the SDK file is no JSON', () => ({ env: { CLOUD_IDAAS_CONFIG_PATH: write('{"clientId": app_1}') } }),
    'configuration', /file-\d+/, /./, /JSON/],
  ['the SDK file lacks the client id', () => ({ env: sdk({ clientId: undefined }) }),
    'configuration', /clientId/, /./, /./],
  ['the host file is not there', () => ({ args: ['--config', '/nowhere/sesame.json'] }),
    'configuration', /\/nowhere\/sesame\.json/, /./, /./],
  ['a key stands twice in the host file', () => ({ args: host('{"listen":"127.0.0.1:1","listen":"127.0.0.1:2"}') }),
    'configuration', /file-\d+/, /./, /twice|duplicate/i],
  ['a key of the host file is unknown', () => ({ args: host({ listne: '127.0.0.1:1' }) }),
    'configuration', /listne in .*file-\d+/, /Did you mean "listen"/, /unknown key/],
  ['a value of the host file has the wrong type', () => ({ args: host({ workers: 'four' }) }),
    'configuration', /workers in .*file-\d+/, /./, /expected/],
  ['the CA file is not there', () => ({ env: { SSL_CERT_FILE: '/nowhere/ca.pem' } }),
    'certificate authorities', /SSL_CERT_FILE/, /SSL_CERT_FILE/, /\/nowhere\/ca\.pem/],
  ['the CA file holds no certificate', () => ({ env: { SSL_CERT_FILE: write('not a certificate') } }),
    'certificate authorities', /SSL_CERT_FILE/, /PEM/, /file-\d+/],
  ['the CA folder is empty', () => { mkdirSync(join(base, 'ca'), { recursive: true }); return { env: { SSL_CERT_DIR: join(base, 'ca') } }; },
    'certificate authorities', /SSL_CERT_DIR/, /rehash/, /no certificate/],
  ['the private key is a public key', () => ({ env: { ...method('private-key-jwt'), ENV_PRIVATE_KEY: pem('rsa', { modulusLength: 2048 }).publicKey } }),
    'plugins', /ENV_PRIVATE_KEY/, /./, /NotSupportedWebKey|a public key/],
  ['the private key is truncated', () => ({ env: { ...method('private-key-jwt'), ENV_PRIVATE_KEY: pem('rsa', { modulusLength: 2048 }).privateKey.slice(0, 900) } }),
    'plugins', /ENV_PRIVATE_KEY/, /./, /cut off/],
  ['the private key is too short', () => ({ env: { ...method('private-key-jwt'), ENV_PRIVATE_KEY: pem('rsa', { modulusLength: 1024 }).privateKey } }),
    'plugins', /ENV_PRIVATE_KEY/, /./, /2048/],
  ['the private key is of a type that nobody takes', () => ({ env: { ...method('private-key-jwt'), ENV_PRIVATE_KEY: pem('ec', { namedCurve: 'secp256k1' }).privateKey } }),
    'plugins', /ENV_PRIVATE_KEY/, /./, /./],
  ['the private key is encrypted, without a passphrase', () => ({ env: { ...method('private-key-jwt'),
    ENV_PRIVATE_KEY: pem('rsa', { modulusLength: 2048 }, { cipher: 'aes-256-cbc', passphrase: 'recognise-me-passphrase' }).privateKey } }),
    'plugins', /ENV_PRIVATE_KEY/, /./, /encrypted/],
  ['the algorithm does not fit the key', () => ({ env: method('private-key-jwt', { algorithm: 'ES256' }) }),
    'plugins', /./, /./, /ES256 does not fit/],
  ['the token file is not there', () => ({ env: method('federated-oidc', { oidcTokenFilePath: '/nowhere/token' }) }),
    'plugins', /\/nowhere\/token/, /./, /OidcTokenNotFound|no such file/i],
  ['the plugin folder is not there', () => ({ args: host({ plugins: { directory: '/nowhere/plugins' } }) }),
    'plugins', /plugins\.directory/, /plugin/, /\/nowhere\/plugins/],
  ['a plugin is missing', () => ({ args: plugins((folder) => rmSync(join(folder, 'mcp.so'))) }),
    'plugins', /plugins\.directory/, /install the plugin/, /mcp\.so/],
  ['a tool names a plugin that does not exist', () => ({ args: host({ tools: { amap: { plugin: 'mpc', config: {} } } }) }),
    'plugins', /plugins\.directory/, /sesame plugin list/, /"mpc"/],
  ['no plugin serves the method', () => ({ args: plugins((folder) => rmSync(join(folder, 'client-secret.json'))) }),
    'plugins', /authnMethod.*client-config/, /sesame plugin list/, /CLIENT_SECRET_BASIC/],
  ['a plugin can be written by others', () => ({ args: plugins((folder) => chmodSync(join(folder, 'mcp.so'), 0o777)) }),
    'plugins', /owner and mode/, /go-w/, /mcp\.so has mode 0777/],
  ['a plugin does not take its configuration', () => ({ args: host({ tools: { amap: { plugin: 'mcp', credentials: ['amap'], config: { url: env.EXTERNAL_SERVER_URL, credential: 'amap', timeout: 5 } } } }) }),
    'plugins', /tools\.amap/, /./, /timeout/],
  ['the port is taken', () => ({ args: ['--listen', `127.0.0.1:${holder.address().port}`] }),
    'port', /--listen/, /free port/, /another program has this port/],
  ['the port of the host file is taken', () => ({ args: host({ listen: `127.0.0.1:${holder.address().port}` }), listens: true }),
    'port', /listen in .*file-\d+/, /free port/, /another program has this port/],
  ['the address is not of this machine', () => ({ args: ['--listen', '192.0.2.1:9002'] }),
    'port', /--listen/, /address of this machine/, /192\.0\.2\.1/],
  ['the MCP address is that of the old transport', () => ({ env: changed('EXTERNAL_SERVER_URL', /mcp$/, 'sse') }),
    'plugins', /tools\.amap\.config\.url \(EXTERNAL_SERVER_URL\)/, /./, /ends in \/sse/],
];

const expired = async () => ({ SESAME_USER_TOKEN: await userToken(cloud, { lifetime_s: -120 }) });
const online = [
  ['the clock is ten minutes behind', () => ({ orders: [['/switches', { issuer: { clock_offset_s: 600 } }]] }),
    'clock', /the clock of this machine/, /set the clock/, /(59\d|60\d) s behind/],
  ['the clock is ten minutes ahead', () => ({ orders: [['/switches', { issuer: { clock_offset_s: -600 } }]] }),
    'clock', /the clock of this machine/, /set the clock/, /(59\d|60\d) s ahead/],
  ['the CA is not named', () => ({ env: { SSL_CERT_FILE: undefined } }),
    'sign-in keys', /SSL_CERT_FILE/, /SSL_CERT_FILE/, /not trusted/],
  ['the name of the issuer cannot be resolved', () => ({ env: { JWKS_ENDPOINT: 'https://nowhere.invalid/jwks' }, warns: 'configuration' }),
    'sign-in keys', /inbound\.jwks_url \(JWKS_ENDPOINT\)/, /host name/, /cannot be resolved/],
  ['the way out is through a proxy', () => ({ env: { JWKS_ENDPOINT: 'https://127.0.0.1:1/jwks', https_proxy: 'http://recognise-me-user@127.0.0.1:3128' }, warns: 'proxy' }),
    'sign-in keys', /JWKS_ENDPOINT/, /https_proxy is set.*no proxy/, /cannot connect/],
  ['JWKS_ENDPOINT has a wrong path', () => ({ env: changed('JWKS_ENDPOINT', /jwks$/, 'keys') }),
    'sign-in keys', /JWKS_ENDPOINT/, /issuer followed by \/jwks/, /404/],
  ['JWKS_ENDPOINT is the discovery document', () => ({ env: changed('JWKS_ENDPOINT', /jwks$/, '.well-known/openid-configuration') }),
    'sign-in keys', /JWKS_ENDPOINT/, /issuer followed by \/jwks/, /discovery/i],
  ['JWKS_ENDPOINT is of another instance', () => ({ env: { JWKS_ENDPOINT: other.environment.JWKS_ENDPOINT,
    SSL_CERT_FILE: write(readFileSync(cloud.environment.SSL_CERT_FILE, 'utf8') + readFileSync(other.environment.SSL_CERT_FILE, 'utf8')) } }),
    /^credential enterprise/, /inbound\.jwks_url \(JWKS_ENDPOINT\)/, /issuer followed by \/jwks/, /another instance/],
  ['the issuer is wrong', () => ({ env: sdk({ issuer: `${cloud.config.issuer}/` }) }),
    /^credential enterprise/, /issuer in .*file-\d+/, /exactly/, /"iss"/],
  ['the client secret is wrong', () => ({ env: { IDAAS_CLIENT_SECRET: 'recognise-me-wrong' } }),
    /^credential llm/, /IDAAS_CLIENT_SECRET.*clientId in/, /console/, /invalid_client/],
  ['the client id is wrong', () => ({ env: sdk({ clientId: 'app_other' }) }),
    /^credential llm/, /clientId in .*file-\d+/, /console/, /invalid_client/],
  ['the private key is another one', () => ({ env: { ...method('private-key-jwt'), ENV_PRIVATE_KEY: pem('rsa', { modulusLength: 2048 }).privateKey } }),
    /^credential llm/, /ENV_PRIVATE_KEY/, /./, /public key registered at the agent node/],
  ['the token endpoint has a wrong path', () => ({ env: sdk({ tokenEndpoint: `${cloud.config.tokenEndpoint}s` }) }),
    /^credential llm/, /tokenEndpoint in .*file-\d+/, /SDK configuration/, /HTTP 40[45]/],
  ['the role lacks the permission', () => ({ env: { ...method('alibaba-cloud') }, orders: [['/switches', { metadata: { role: 'sesame-no-permission' } }]] }),
    /^credential llm/, /./, /./, /NoPermission.*eiam:GenerateOauthToken/],
  ['nobody gives an access key', () => ({ env: { ...method('alibaba-cloud'), ALIBABA_CLOUD_ECS_METADATA_DISABLED: 'true' } }),
    /^credential llm/, /./, /./, /ALIBABA_CLOUD_ACCESS_KEY_ID/],
  ['the name of the vault cannot be resolved', () => ({ env: sdk({ developerApiEndpoint: 'nowhere.invalid' }) }),
    /^credential llm/, /developerApiEndpoint in/, /host name/, /cannot be resolved/],
  ['the key of the model has a wrong identifier', () => ({ env: { LLM_API_KEY_IDENTIFIER: 'no_such_key' } }),
    /^credential llm/, /credentials\.llm\.identifier \(LLM_API_KEY_IDENTIFIER\)/, /identifier/, /no_such_key/],
  ['the key of the external service has a wrong identifier', () => ({ env: { EXTERNAL_SERVER_API_KEY_IDENTIFIER: 'no_such_key' } }),
    /^credential amap/, /credentials\.amap\.identifier \(EXTERNAL_SERVER_API_KEY_IDENTIFIER\)/, /identifier/, /no_such_key/],
  ['the agent may not read the key', () => ({ orders: [['/fail', { at: 'developer-api', times: -1, status: 403, body: '{"Code":"Forbidden","Message":"no"}', content_type: 'application/json' }]] }),
    /^credential llm/, /LLM_API_KEY_IDENTIFIER/, /outbound authorization/, /403/],
  ['the audience is unknown', () => ({ env: { ENTERPRISE_SERVICE_SCOPE: 'https://other.example|enterprise.access' } }),
    /^credential enterprise/, /credentials\.enterprise\.scope \(ENTERPRISE_SERVICE_SCOPE\)/, /audience\|scope/, /https:\/\/other\.example/],
  ['the permission is unknown', () => ({ env: { ENTERPRISE_SERVICE_SCOPE: 'https://enterprise.example.com|other' } }),
    /^credential enterprise/, /ENTERPRISE_SERVICE_SCOPE/, /Permission Configuration/, /invalid_scope|unauthorized_client/],
  ['the user\'s token is expired', async () => ({ env: await expired() }),
    'user', /SESAME_USER_TOKEN/, /log in again/, /Access token validation failed.*expired/],
  ['the user\'s token is for another audience', async () => ({ env: { SESAME_USER_TOKEN: await userToken(cloud), AGENT_AUDIENCE: 'https://other.example' } }),
    'user', /inbound\.audience \(AGENT_AUDIENCE\)/, /audience of the agent node/, /wrong_audience/],
  ['the user lacks the permission', async () => ({ env: { SESAME_USER_TOKEN: await userToken(cloud), AGENT_SCOPE: 'agent.other' } }),
    'user', /inbound\.scope \(AGENT_SCOPE\)/, /permission/, /insufficient_scope/],
  ['the model is unknown', () => ({ env: { LLM_MODEL: 'no-such-model' } }),
    /^model/, /model\.name \(LLM_MODEL\)/, /model/, /no-such-model/],
  ['LLM_BASE_URL has more than its base', () => ({ env: { LLM_BASE_URL: `${env.LLM_BASE_URL}/chat/completions` } }),
    /^model|configuration/, /model\.base_url|LLM_BASE_URL/, /./, /./],
  ['the model refuses the key', () => ({ orders: [['/fail', { at: 'model', times: -1, status: 401, body: '{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}', content_type: 'application/json' }]] }),
    /^model/, /LLM_API_KEY_IDENTIFIER/, /region/, /401/],
  ['the MCP address is wrong', () => ({ env: { EXTERNAL_SERVER_URL: `${env.EXTERNAL_SERVER_URL}x` } }),
    'tool amap', /tools\.amap\.config\.url \(EXTERNAL_SERVER_URL\)/, /address/, /404/],
  ['the enterprise service has another instance\'s keys', () => ({ orders: [['/switches', { enterprise: { mode: 'fc' } }], ['/keys/paste', {}], ['/keys/rotate', { keep_old: false }]] }),
    'service of tool enterprise', /ENTERPRISE_SERVICE_SCOPE/, /JWKS of the service/, /JWT authentication failed.*403/],
];

// ---- the check --------------------------------------------------------------------------------

const secrets = () => ['recognise-me', 'BEGIN ', 'MII', 'eyJ'];
const steps = ['configuration', 'certificate authorities', 'proxy', 'secret memory', 'port', 'plugins', 'sign-in keys', 'credentials',
  'user', 'model', 'tools', 'services'];

async function doctor(words, { env: more = {}, args = [], listens = false } = {}) {
  const listen = listens || args.includes('--listen') ? [] : ['--listen', '127.0.0.1:0'];
  const result = await run(['doctor', ...words, ...listen, ...args], { ...env, ...more });
  // The audit goes to standard error by default; fingerprints are all it holds of a secret.
  for (const secret of secrets()) assert.ok(!(result.out + result.err).includes(secret), result.out + result.err);
  return result;
}

const matches = (text, expected) => (typeof expected === 'string' ? assert.equal(text, expected) : assert.match(text, expected));

async function check([mistake, seed, step, setting, fix, words], isOffline) {
  const seeded = await seed();
  for (const [path, order] of seeded.orders ?? []) await cloud.control(path, order);
  const before = (await cloud.control('/requests')).length;
  const { code, out, err } = await doctor(['--json'], seeded);
  const report = JSON.parse(out);
  const failed = report.checks.filter(({ result }) => result === 'fail');
  assert.notEqual(code, 0, mistake);
  assert.equal(report.ok, false);
  assert.equal(failed.length, 1, out + err);
  matches(failed[0].check, step);
  const all = JSON.stringify(failed[0]);
  assert.match(failed[0].setting ?? '', setting, all);
  assert.match(failed[0].fix ?? '', fix, all);
  assert.match(`${failed[0].name ?? ''} ${failed[0].cause}`, words, all);
  // Nothing behind the cause, and every step is accounted for.
  const at = report.checks.indexOf(failed[0]);
  assert.ok(report.checks.slice(at + 1).every(({ result }) => result === 'not tried'), out);
  assert.ok(report.checks.slice(0, at).every(({ result }) => result === 'pass' || result === 'warn'), out);
  assert.equal(report.checks.filter(({ result }) => result === 'warn').map((one) => one.check).join(), seeded.warns ?? '');
  const left = report.checks.slice(at + 1).map((one) => one.check);
  assert.deepEqual(left, left.length === 0 ? [] : steps.slice(-left.length));
  if (isOffline) assert.equal((await cloud.control('/requests')).length, before, 'something was sent');
  // People read the same.
  const text = await doctor([], seeded);
  assert.equal(text.code, code);
  assert.match(text.out, /^FAIL {2}/m);
  assert.ok(text.out.includes(`look at: ${failed[0].setting}`), text.out);
  assert.ok(text.out.includes(`fix: ${failed[0].fix}`), text.out);
}

for (const row of offline) test(`on this machine: ${row[0]}`, () => check(row, true));
for (const row of online) test(`at the services: ${row[0]}`, () => check(row, false));

test('nothing is wrong: every step passes, the quoted scope of the guide too', async () => {
  for (const scope of [env.ENTERPRISE_SERVICE_SCOPE, `"${env.ENTERPRISE_SERVICE_SCOPE}"`]) {
    const { code, out, err } = await doctor(['--json'], { env: { ENTERPRISE_SERVICE_SCOPE: scope, SESAME_USER_TOKEN: await userToken(cloud) } });
    const report = JSON.parse(out);
    assert.equal(code, 0, out + err);
    assert.equal(report.ok, true);
    assert.deepEqual(report.checks.filter(({ result }) => result !== 'pass'), []);
    for (const step of ['user', 'service of tool enterprise', 'tool amap', 'port', 'secret memory'])
      assert.ok(report.checks.some((one) => one.check === step), step);
  }
});

test('the port is held by a sesame: that is the one that is looked after', async (t) => {
  const agent = await startAgent(cloud);
  t.after(() => agent.stop());
  const { code, out } = await doctor([], { args: ['--listen', `127.0.0.1:${agent.port}`] });
  assert.equal(code, 0, out);
  assert.match(out, /^pass {2}port: a sesame is listening there already$/m);
});

test('a key of the SDK file that is unknown is a warning, and the rest is looked at', async () => {
  const { code, out } = await doctor([], { env: sdk({ clientIdd: 'x' }) });
  assert.equal(code, 0, out);
  assert.match(out, /^warn {2}configuration: unknown key\n {6}look at: clientIdd in /m);
});

test('locked memory is too small', { skip: process.getuid() !== 0 && 'needs another user to be bound by the limit' }, async () => {
  // Root is not bound by the limit: another user runs it, with copies of what he has to read.
  const place = mkdtempSync(join(tmpdir(), 'sesame-memlock-'));
  chmodSync(place, 0o755);
  for (const name of ['client-config.json', 'ca.pem']) {
    copyFileSync(join(cloud.folder, name), join(place, name));
    chmodSync(join(place, name), 0o644);
  }
  const words = ['-c', 'ulimit -l 16 && exec setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all "$@"',
    'sh', join(build, 'sesame'), 'doctor', '--listen', '127.0.0.1:0'];
  const { execFile } = await import('node:child_process');
  const out = await new Promise((resolve) => execFile('/bin/sh', words, { env: { ...env, CLOUD_IDAAS_CONFIG_PATH: join(place, 'client-config.json'),
    SSL_CERT_FILE: join(place, 'ca.pem') } }, (error, stdout, stderr) => resolve(stdout + stderr)));
  rmSync(place, { recursive: true });
  assert.match(out, /^FAIL {2}secret memory: no locked memory/m);
  assert.match(out, /look at: RLIMIT_MEMLOCK \(ulimit -l, LimitMEMLOCK=\)\n {6}fix: .*LimitMEMLOCK=\d+/);
});

// ---- the same words at run time ---------------------------------------------------------------

const ask = async (agent, content = 'hello') => fetch(`${agent.url}/openai/v1/chat/completions`, { method: 'POST',
  headers: { authorization: `Bearer ${await userToken(cloud)}`, 'content-type': 'application/json' },
  body: JSON.stringify({ messages: [{ role: 'user', content }], stream: false }) });

async function until(agent, found) {
  for (let i = 0; i < 200; i++) {
    const report = await (await fetch(`${agent.url}/ready`)).json();
    if (report.cause !== undefined && found(report)) return report;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`no cause in /ready: ${agent.output()}`);
}

// Of the others one shows at the gate (the user's token), three only the doctor compares (the clocks, the issuer, the keys of another
// instance), and one only the service knows (below).
const offReady = /user|clock|issuer is wrong|of another instance|another instance's keys/;
for (const mistake of online.map(([name]) => name).filter((name) => !offReady.test(name)))
  test(`/ready and the log name what the doctor names: ${mistake}`, async (t) => {
    const seeded = await online.find(([name]) => name === mistake)[1]();
    for (const [path, order] of seeded.orders ?? []) await cloud.control(path, order);
    const { checks } = JSON.parse((await doctor(['--json'], seeded)).out);
    const { check, setting, fix } = checks.find(({ result }) => result === 'fail');
    const agent = await startAgent(cloud, { env: { ...env, ...seeded.env } });
    t.after(() => agent.stop());
    const isOfModel = check.startsWith('model'), isOfTurn = isOfModel || check.startsWith('credential llm');
    if (isOfModel) {
      await agent.until('/ready', 200);
      await ask(agent);
    }
    const { cause } = await until(agent, () => true);
    assert.equal(cause.setting, setting);
    assert.equal(cause.fix, fix);
    if (isOfTurn) {
      if (!isOfModel) assert.ok((await ask(agent)).status >= 500);
      const line = await agent.logged(/"a turn failed"/);
      assert.equal(JSON.parse(line).setting, setting);
      assert.equal(JSON.parse(line).fix, fix);
    }
    for (const secret of secrets()) assert.ok(!agent.output().includes(secret), agent.output());
  });

for (const mistake of ['the audience is unknown', 'the enterprise service has another instance\'s keys'])
  test(`the log of a failing tool call names what the doctor names: ${mistake}`, async (t) => {
    const seeded = await online.find(([name]) => name === mistake)[1]();
    for (const [path, order] of seeded.orders ?? []) await cloud.control(path, order);
    t.after(() => cloud.control('/reset', {}));
    const { checks } = JSON.parse((await doctor(['--json'], seeded)).out);
    const { setting, fix } = checks.find(({ result }) => result === 'fail');
    const agent = await startAgent(cloud, { env: { ...env, ...seeded.env } });
    t.after(() => agent.stop());
    await agent.until('/ready', 200);
    await ask(agent, 'Call my enterprise service');
    const line = JSON.parse(await agent.logged(/"a tool call failed"/));
    assert.deepEqual([line.tool, line.setting, line.fix], ['enterprise', setting, fix]);
  });
