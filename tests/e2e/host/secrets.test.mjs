// The promise, proven: after real turns, the idle process holds no secret outside the locked arena.
import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import OpenAI from 'openai';

import { startStandIn } from '../local-cloud/stand_in.mjs';
import { startAgent, userToken } from './agent.mjs';
import { occurrences } from './memory.mjs';

let cloud, agent, token;
before(async () => {
  cloud = await startStandIn();
  // Dumpable for this test only, so that another process may look.
  agent = await startAgent(cloud, { env: { SESAME_KEEP_DUMPABLE: '1' } });
  await agent.until('/ready', 200);
  token = await userToken(cloud);
});
after(async () => {
  await agent.stop();
  await cloud.stop();
});

test('the scan finds what is there', () => {
  assert.ok(occurrences(agent.pid, 'sesame is running').length > 0);
});

test('no secret is left outside the locked arena', async () => {
  const client = new OpenAI({ baseURL: `${agent.url}/openai/v1`, apiKey: token, maxRetries: 0 });
  for (const content of ['What is the weather in Hangzhou right now?', 'Call my enterprise service']) {
    const answer = await client.chat.completions.create({ messages: [{ role: 'user', content }], stream: false });
    assert.equal(answer.choices[0].finish_reason, 'stop');
  }
  const secrets = { 'client secret': cloud.environment.IDAAS_CLIENT_SECRET,
    'model key': await cloud.apiKey(cloud.environment.LLM_API_KEY_IDENTIFIER),
    'map key': await cloud.apiKey(cloud.environment.EXTERNAL_SERVER_API_KEY_IDENTIFIER),
    'the signature of AT_u': token.split('.')[2], 'the head of any token': 'eyJhbGciOi' };
  for (const [name, text] of Object.entries(secrets)) {
    assert.deepEqual(occurrences(agent.pid, text), [], name);
  }
});

// What proves the agent is as secret as what it gets. A private key also shows as DER and as the numbers it is made of, which
// OpenSSL keeps with the least significant byte first.
test('no private key and no platform token is left either', async () => {
  const read = (name) => readFileSync(join(cloud.folder, 'clients', name), 'utf8');
  const pem = read('rsa-2048.pem'), key = createPrivateKey(pem);
  const numbers = Object.entries(key.export({ format: 'jwk' })).filter(([name]) => ['d', 'p', 'q', 'dp', 'dq', 'qi'].includes(name))
    .map(([name, text]) => [name, Buffer.from(text, 'base64url').subarray(16, 112)]);
  const secrets = { 'a line of the PEM': pem.split('\n')[5], 'DER': key.export({ format: 'der', type: 'pkcs8' }).subarray(400, 464),
    'the head of any token': 'eyJhbGciOi',
    ...Object.fromEntries(numbers.flatMap(([name, bytes]) =>
      [[`${name}, big-endian`, bytes], [`${name}, little-endian`, Buffer.from(bytes).reverse()]])) };
  for (const method of ['private-key-jwt', 'federated-pca', 'federated-oidc', 'federated-pkcs7']) {
    const other = await startAgent(cloud, { env: { SESAME_KEEP_DUMPABLE: '1',
      ...(method === 'federated-oidc' || method === 'federated-pkcs7' ? {} : { ENV_PRIVATE_KEY: pem }),
      CLOUD_IDAAS_CONFIG_PATH: join(cloud.folder, 'clients', `${method}.json`),
      SESAME_ECS_METADATA_ENDPOINT: `http://127.0.0.1:${cloud.ports.metadata}` } });
    await other.until('/ready', 200);
    const client = new OpenAI({ baseURL: `${other.url}/openai/v1`, apiKey: token, maxRetries: 0 });
    const answer = await client.chat.completions.create({ stream: false,
      messages: [{ role: 'user', content: 'Call my enterprise service' }] });
    assert.equal(answer.choices[0].finish_reason, 'stop');
    for (const [name, bytes] of Object.entries(secrets)) assert.deepEqual(occurrences(other.pid, bytes), [], `${method}: ${name}`);
    await other.stop();
  }
});
