// Every way to authenticate against the stand-in, which verifies each for real: a token for the enterprise service, a key
// from the vault, and a whole turn; and what an operator is told who made a mistake.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { startStandIn } from '../local-cloud/stand_in.mjs';
import { run, startAgent, userToken } from './agent.mjs';

let cloud, base, env;
before(async () => {
  cloud = await startStandIn();
  base = mkdtempSync(join(tmpdir(), 'sesame-providers-'));
  const key = /ENV_PRIVATE_KEY="(.*)"/.exec(readFileSync(join(cloud.folder, 'clients/environment'), 'utf8'))[1];
  env = { ...cloud.environment, ENV_PRIVATE_KEY: key,
    SESAME_ECS_METADATA_ENDPOINT: `http://127.0.0.1:${cloud.ports.metadata}` };
});
after(async () => {
  await cloud.stop();
  rmSync(base, { recursive: true });
});

const file = (name) => join(cloud.folder, 'clients', name);
const read = (name) => readFileSync(file(name), 'utf8');

// A changed copy of one of the stand-in's SDK files.
let copies = 0;
function changed(name, members) {
  const config = JSON.parse(read(name));
  Object.assign(config.authnConfiguration, members);
  const path = join(base, `client-config-${copies += 1}.json`);
  writeFileSync(path, JSON.stringify(config));
  return path;
}

const sesame = (words, sdkFile, variables = {}) =>
  run([...words, '--idaas-config', sdkFile], { ...env, ...variables });

// The claims of a fresh token for the enterprise service.
async function claims(sdkFile, variables) {
  const { code, out, err } = await sesame(['token', 'enterprise', '--reveal'], sdkFile, variables);
  assert.equal(code, 0, err);
  const token = /^value\s+(\S+)$/m.exec(out)[1];
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
}

async function refusal(words, sdkFile, variables) {
  const { code, out, err } = await sesame(words, sdkFile, variables);
  assert.notEqual(code, 0, out);
  return out + err;
}

const methods = ['client-secret-basic', 'client-secret-post', 'client-secret-jwt', 'private-key-jwt', 'federated-oidc',
  'federated-pkcs7', 'federated-pca'];

for (const method of methods) {
  test(`${method}: config check, a token, a key from the vault`, async () => {
    const { code, out, err } = await sesame(['config', 'check'], file(`${method}.json`));
    assert.equal(code, 0, err);
    assert.match(out, /^ok: /);
    const { client_id: client, aud } = await claims(file(`${method}.json`));
    assert.equal(client, cloud.config.clientId);
    assert.equal(`${aud}|`, /^"?([^"]*\|)/.exec(env.ENTERPRISE_SERVICE_SCOPE)[1]);
    const vault = await sesame(['token', 'llm', '--reveal'], file(`${method}.json`));
    assert.equal(vault.code, 0, vault.err);
    assert.equal(/^value\s+(\S+)$/m.exec(vault.out)[1], await cloud.apiKey(env.LLM_API_KEY_IDENTIFIER));
  });

  // As itself, and on behalf of the user, whose token is exchanged (RFC 8693): the service says whom it saw.
  for (const [identity, subject] of [['Machine', /"subject":"app_/], ['Human', /"subject":"user_local0alice0001"/]]) {
    test(`${method}: a whole turn as ${identity}`, async () => {
      const agent = await startAgent(cloud, { env: { ...env, CLOUD_IDAAS_CONFIG_PATH: file(`${method}.json`), ACCESS_IDENTITY: identity } });
      try {
        const answer = await fetch(`${agent.url}/openai/v1/chat/completions`, { method: 'POST',
          headers: { authorization: `Bearer ${await userToken(cloud)}`, 'content-type': 'application/json' },
          body: JSON.stringify({ messages: [{ role: 'user', content: 'Call my enterprise service' }], stream: false }) });
        assert.equal(answer.status, 200);
        const { choices: [{ finish_reason: reason, message }] } = await answer.json();
        assert.equal(reason, 'stop');
        assert.match(message.content, subject);
      } finally {
        await agent.stop();
      }
    });
  }
}

// The READMEs' examples with the stand-in's values in place of theirs: nothing that is needed is missing in them.
for (const provider of ['client-secret', 'private-key-jwt', 'federated-oidc', 'federated-pkcs7', 'federated-pca']) {
  test(`${provider}: the example of the README works`, async () => {
    const readme = readFileSync(new URL(`../../../credential-providers/${provider}/README.md`, import.meta.url), 'utf8');
    const example = JSON.parse(/```json\n([\s\S]*?)```/.exec(readme)[1]);
    const real = JSON.parse(read(provider === 'client-secret' ? 'client-secret-basic.json' : `${provider}.json`));
    const fill = (shown, values) => Object.fromEntries(Object.entries(shown).map(([name, value]) =>
      [name, typeof value === 'object' ? fill(value, values[name]) : values[name] ?? value]));
    const path = join(base, `example-${provider}.json`);
    writeFileSync(path, JSON.stringify(fill(example, real)));
    await claims(path);
  });
}

test('every kind of key and algorithm is taken by the service', async () => {
  for (const [key, algorithms] of [['rsa-2048', ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']],
    ['p-256', ['ES256']], ['p-384', ['ES384']], ['p-521', ['ES512']], ['ed25519', ['EdDSA']]])
    for (const algorithm of algorithms)
      await claims(changed('private-key-jwt.json', { algorithm }), { ENV_PRIVATE_KEY: read(`${key}.pem`) });
});

test('an encrypted key is opened with its passphrase', async () => {
  const passphrase = 'a long one';
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase } });
  await cloud.control('/clients/keys', { pem: publicKey });
  const variables = { ENV_PRIVATE_KEY: privateKey, ENV_PASSPHRASE: passphrase };
  await claims(changed('private-key-jwt.json', { privateKeyPassphraseEnvVarName: 'ENV_PASSPHRASE' }), variables);
  assert.match(await refusal(['config', 'check'], file('private-key-jwt.json'), variables),
    /NotSupportedWebKey.*ENV_PRIVATE_KEY.*an encrypted key, and no passphrase was given/);
});

test('the service-account token is the one that stands in the file', async () => {
  const path = join(base, 'oidc-token'), config = changed('federated-oidc.json', { oidcTokenFilePath: path });
  const { token: foreign } = await cloud.control('/cluster/token', { subject: 'system:serviceaccount:x:y' });
  writeFileSync(path, foreign);
  assert.match(await refusal(['token', 'enterprise'], config), /subject/);
  writeFileSync(path, `${(await cloud.control('/cluster/token', { lifetime_s: 60 })).token}\n`);
  await claims(config);
});

test('a clock that is off is named, since the refusal itself says nothing of it', async () => {
  for (const [offset, expected] of [[700, /this machine is (69\d|70\d) s behind the server's: set it/],
    [-700, /this machine is (69\d|70\d) s ahead of the server's: set it/]]) {
    await cloud.control('/switches', { issuer: { clock_offset_s: offset } });
    for (const method of ['private-key-jwt', 'client-secret-jwt', 'federated-pca'])
      assert.match(await refusal(['token', 'enterprise'], file(`${method}.json`)), expected);
    // Where nothing is dated by this machine the token is given, and a warning.
    const agent = await startAgent(cloud, { env: { ...env, CLOUD_IDAAS_CONFIG_PATH: file('client-secret-post.json') } });
    await agent.logged(/the issuer's clock and this machine's differ.*"ahead_s":-?(69\d|70\d)/);
    assert.equal(await agent.stop(), 0);
  }
  await cloud.control('/reset', {});
});

test('requests to IDaaS and the vault take no longer than the SDK file says', async () => {
  const config = JSON.parse(read('client-secret-basic.json'));
  config.httpConfiguration = { connectTimeout: 2000, readTimeout: 2000 };
  const path = join(base, 'impatient.json');
  writeFileSync(path, JSON.stringify(config));
  const asked = async () => (await cloud.control('/counts')).counts['developer-api'] ?? 0;
  const before = await asked();
  await cloud.control('/fail', { at: 'developer-api', hang: true, times: -1 });
  const key = sesame(['token', 'llm'], path);
  while (await asked() === before) await new Promise((resolve) => setTimeout(resolve, 10));
  await cloud.control('/fail', { at: 'token', hang: true, times: -1 });
  const started = Date.now();
  const token = refusal(['token', 'enterprise'], path);
  assert.match(await token, /did not answer in time \(4000 ms\)/);
  assert.ok(Date.now() - started < 6000);
  const { code, err } = await key;
  assert.notEqual(code, 0);
  assert.match(err, /ReadTimeOut|in time/);
  assert.ok(Date.now() - started < 9000);
  await cloud.control('/reset', {});
});

test('the operator is told which mistake it was', async () => {
  const { privateKey: other, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });
  const token = ['token', 'enterprise'], check = ['config', 'check'], doctor = ['doctor', '--listen', '127.0.0.1:0'];
  const key = file('private-key-jwt.json');
  const mistakes = [
    [token, key, { ENV_PRIVATE_KEY: other }, /public key registered at the agent node belongs to the private key/],
    [doctor, key, { ENV_PRIVATE_KEY: other }, /public key registered at the agent node/],
    [check, key, { ENV_PRIVATE_KEY: publicKey }, /NotSupportedWebKey.*ENV_PRIVATE_KEY.*a public key/],
    [doctor, key, { ENV_PRIVATE_KEY: other.slice(0, 900) }, /ENV_PRIVATE_KEY.*cut off/],
    [check, key, { ENV_PRIVATE_KEY: '' }, /ENV_PRIVATE_KEY.*empty/],
    [check, changed('private-key-jwt.json', { algorithm: 'ES256' }), {}, /the algorithm ES256 does not fit this key; expected one of.*"PS256"/],
    [token, file('client-secret-post.json'), { IDAAS_CLIENT_SECRET: 'wrong' }, /the client id and the client secret/],
    [check, changed('federated-oidc.json', { oidcTokenFilePath: '/nowhere' }), {}, /OidcTokenNotFound.*\/nowhere.*no such file/],
    [token, changed('federated-oidc.json', { applicationFederatedCredentialName: 'other' }), {}, /the federated credential "other"/],
    [check, changed('federated-pkcs7.json', { clientDeployEnvironment: 'AWS_EC2' }), {}, /AWS are not supported/],
    [token, file('federated-pkcs7.json'), { SESAME_ECS_METADATA_ENDPOINT: 'http://127.0.0.1:1' }, /needs an ECS instance/],
    [token, file('federated-pca.json'), { ENV_PRIVATE_KEY: other }, /clientX509Certificate is valid and belongs to the private key/],
  ];
  for (const [words, sdkFile, variables, expected] of mistakes) {
    const said = await refusal(words, sdkFile, variables);
    assert.match(said, expected);
    for (const secret of [env.IDAAS_CLIENT_SECRET, 'MII']) assert.ok(!said.includes(secret), said);
  }
});
