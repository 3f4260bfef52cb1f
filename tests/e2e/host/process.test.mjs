// Whole turns with every tool in a process of its own, and those processes killed under load.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';

import OpenAI from 'openai';

import { startStandIn } from '../local-cloud/stand_in.mjs';
import { startAgent, userToken } from './agent.mjs';

let cloud, agent, token;
before(async () => {
  cloud = await startStandIn();
  agent = await startAgent(cloud, { config: { compat: { java_sample: false },
    plugins: { settings: { mcp: { placement: 'process' }, 'enterprise-service': { placement: 'process' } } } } });
  await agent.until('/ready', 200);
  token = await userToken(cloud);
});
after(async () => {
  const children = childrenOf(agent.pid);
  const code = await agent.stop();
  assert.equal(code, 0);
  for (const pid of children) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  assert.equal(await cloud.stop(), 0);
});

// The processes of the plugins; those that have died and are not reaped do not count.
const childrenOf = (pid) => readdirSync(`/proc/${pid}/task`).flatMap((task) =>
  readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number));

const ask = async (content) => {
  const client = new OpenAI({ baseURL: `${agent.url}/openai/v1`, apiKey: token, maxRetries: 0 });
  const answer = await client.chat.completions.create({ model: 'any',
    messages: [{ role: 'user', content }] });
  return answer.choices[0].message.content;
};
const weather = 'What is the weather in Hangzhou right now?';
const service = 'Call my enterprise service';

test('turns with an MCP server and an enterprise service', async () => {
  assert.equal(childrenOf(agent.pid).length, 2);
  assert.match(await ask(weather), /杭州|Hangzhou/);
  assert.match(await ask(service), /sample enterprise service/);
});

test('nothing is missing of what holds the processes back, or /ready says what', async () => {
  const ready = await (await fetch(`${agent.url}/ready`)).json();
  const text = JSON.stringify(ready);
  assert.match(text, /isolation of amap/);
  assert.match(text, /isolation of enterprise/);
});

test('a process that is killed costs no turn but the one that uses it', async () => {
  const answers = [];
  for (let i = 0; i < 10; i++) {
    const turns = [ask(weather), ask(weather), ask(service)];
    for (const pid of childrenOf(agent.pid)) process.kill(pid, 'SIGKILL');
    answers.push(...await Promise.all(turns));
    answers.push(await ask(service));
    assert.match(answers.at(-1), /sample enterprise service/);
  }
  assert.equal(answers.length, 40);
  assert.match(agent.output(), /ended by SIGKILL/);
  assert.equal((await fetch(`${agent.url}/health`)).status, 200);
});
