// A user whose token cannot be exchanged any more is told to sign in again; it is no fault of the agent.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { startStandIn } from '../local-cloud/stand_in.mjs';
import { startAgent, userToken } from './agent.mjs';

let cloud, agent;
before(async () => {
  cloud = await startStandIn();
  agent = await startAgent(cloud, { env: { ACCESS_IDENTITY: 'Human' }, config: { compat: { java_sample: false } } });
  await agent.until('/ready', 200);
});
after(async () => {
  await agent.stop();
  await cloud.stop();
});

const ask = async (token, stream) => fetch(`${agent.url}/v1/chat/completions`, { method: 'POST',
  headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  body: JSON.stringify({ messages: [{ role: 'user', content: 'hello' }], stream }) });

for (const stream of [false, true])
  test(`the exchange is refused: 401, ${stream ? 'streamed' : 'whole'}`, async () => {
    await cloud.control('/fail', { at: 'token', times: -1, status: 400, body: '{"error":"invalid_grant"}', content_type: 'application/json' });
    const answer = await ask(await userToken(cloud, { user: `user-${stream}` }), stream);
    assert.equal(answer.status, 401);
    assert.match(answer.headers.get('www-authenticate'), /^Bearer .*error="invalid_token"/);
    const { error } = await answer.json();
    assert.equal(error.code, 'invalid_grant');
    assert.equal(error.message, 'Your sign-in can no longer be used. Log in again.');
    const ready = await (await fetch(`${agent.url}/ready`)).json();
    assert.equal(ready.cause, undefined, JSON.stringify(ready.cause));
  });

test('another user goes on', async () => {
  await cloud.control('/reset', {});
  assert.equal((await ask(await userToken(cloud, { user: 'somebody' }), false)).status, 200);
});
