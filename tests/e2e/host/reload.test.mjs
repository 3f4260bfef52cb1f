// SIGHUP: the configuration is read again while turns run, and nothing of an old one is left behind.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import OpenAI from 'openai';

import { startStandIn } from '../local-cloud/stand_in.mjs';
import { freePort, startAgent, userToken } from './agent.mjs';

const weather = 'What is the weather in Hangzhou right now?';
let cloud, agent, token, client, base, apart, asked = 0;

before(async () => {
  base = { compat: { java_sample: false }, workers: 2, metrics: { listen: `127.0.0.1:${await freePort()}` } };
  apart = { ...base, plugins: { settings: { mcp: { placement: 'process' } } } };
  cloud = await startStandIn();
  agent = await startAgent(cloud, { config: apart });
  await agent.until('/ready', 200);
  token = await userToken(cloud);
  client = new OpenAI({ baseURL: `${agent.url}/openai/v1`, apiKey: token, maxRetries: 0 });
});
after(async () => {
  assert.equal(await agent.stop(), 0);
  assert.equal(await cloud.stop(), 0);
});

const ask = async (content) => {
  asked++;
  const answer = await client.chat.completions.create({ model: 'any', messages: [{ role: 'user', content }] });
  return answer.choices[0].message.content;
};
const count = (words) => agent.output().split('\n').filter((line) => line.includes(words)).length;

// Sends SIGHUP and waits for one more line of the log with these words.
async function reload(config, words = 'the new configuration serves') {
  const seen = count(words);
  agent.configure(config);
  process.kill(agent.pid, 'SIGHUP');
  for (let i = 0; i < 800 && count(words) === seen; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(count(words), seen + 1, agent.output().slice(-3000));
}
async function settle() {
  for (let i = 0; i < 400; i++) {
    if (count('nothing is left of an old configuration') === count('the new configuration serves')) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`an old configuration is still there: ${agent.output().slice(-3000)}`);
}
const holdings = () => ({
  threads: readdirSync(`/proc/${agent.pid}/task`).length,
  children: readdirSync(`/proc/${agent.pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${agent.pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean)).length,
});
// But for sockets, of which connections are kept for the next request.
const files = () => readdirSync(`/proc/${agent.pid}/fd`).filter((fd) =>
  !readlinkSync(`/proc/${agent.pid}/fd/${fd}`).startsWith('socket:')).length;
const sockets = () => readdirSync(`/proc/${agent.pid}/fd`).length - files();

test('forty reloads under load cost no turn and leave nothing behind', async () => {
  await ask(weather);
  await reload(apart);
  await settle();
  const before = { ...holdings(), files: files() }, socketsBefore = sockets();
  let isOver = false, turns = 0;
  const load = Array.from({ length: 4 }, async () => {
    for (; !isOver; turns++) assert.match(await ask(weather), /杭州|Hangzhou/);
  });
  for (let i = 0; i < 40; i++) await reload(apart);
  isOver = true;
  await Promise.all(load);
  await settle();
  assert.ok(turns > 40, `${turns} turns`);
  assert.deepEqual({ ...holdings(), files: files() }, before);
  assert.ok(sockets() <= socketsBefore + 30, `${socketsBefore} sockets became ${sockets()}`);
});

test('a turn that is open ends with the old tools, a new one has the new ones', async () => {
  await cloud.control('/switches', { model: { delta_delay_ms: 60 } });
  const stream = await client.chat.completions.create({ model: 'any', stream: true,
    messages: [{ role: 'user', content: weather }] });
  let text = '', isReloaded = false;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? '';
    if (isReloaded) continue;
    isReloaded = true;
    await reload({ ...base, tools: {} });
    assert.equal(count('nothing is left of an old configuration'), count('the new configuration serves') - 1);
  }
  assert.match(text, /杭州|Hangzhou/);
  await cloud.control('/switches', { model: { delta_delay_ms: 0 } });
  assert.doesNotMatch(await ask(weather), /humidity|湿度|°C|℃/);
  await settle();
  assert.equal(holdings().children, 0);
  await reload(apart);
  assert.match(await ask(weather), /杭州|Hangzhou/);
});

test('a file with mistakes leaves the old one running and each is said', async () => {
  await reload('{"workers": "two", "modell": {}}', 'the old configuration goes on');
  await agent.logged(/"area":"reload".*workers/);
  await agent.logged(/"area":"reload".*modell/);
  await reload('{', 'the old configuration goes on');
  await reload({ ...base, tools: { lost: { plugin: 'no-such-plugin' } } }, 'the old configuration goes on');
  await agent.logged(/the new configuration cannot serve.*no-such-plugin/);
  for (const placement of ['inline', 'thread', 'process'])
    await reload({ ...base, tools: { old: { plugin: 'mcp', placement, config: { url: 'http://127.0.0.1:1/sse' } } } },
      'the old configuration goes on');
  await agent.logged(/the new configuration cannot serve.*old cannot be started: config\.url/);
  assert.match(await ask(weather), /杭州|Hangzhou/);
});

test('what only the services can tell leaves the old one running too', async () => {
  await reload({ ...apart, credentials: { llm: { kind: 'api-key', identifier: 'mistyped', origins: ['${LLM_BASE_URL}'] } },
    tools: {} }, 'the old configuration goes on');
  await agent.logged(/with the new configuration something fails.*"dependency":"llm".*credentials\.llm\.identifier/);
  assert.match(await ask(weather), /杭州|Hangzhou/);
});

test('a client secret that is changed under load costs no turn', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sesame-rotation-')), file = join(folder, 'secret');
  const old = cloud.environment.IDAAS_CLIENT_SECRET, fresh = 'recognise-me-rotated-secret';
  writeFileSync(file, `${old}\n`);
  const own = await startAgent(cloud, { config: { compat: { java_sample: false } },
    env: { IDAAS_CLIENT_SECRET: undefined, IDAAS_CLIENT_SECRET_FILE: file } });
  t.after(async () => {
    assert.equal(await own.stop(), 0);
    await cloud.control('/secret', { secret: old });
    rmSync(folder, { recursive: true });
  });
  await own.until('/ready', 200);
  const openai = new OpenAI({ baseURL: `${own.url}/openai/v1`, apiKey: token, maxRetries: 0 });
  let isOver = false, turns = 0;
  const load = Array.from({ length: 3 }, async () => {
    for (; !isOver; turns++) {
      const { choices: [{ message }] } = await openai.chat.completions.create({ model: 'any',
        messages: [{ role: 'user', content: 'Call my enterprise service' }] });
      assert.match(message.content, /sample enterprise service/);
    }
  });
  const more = async (wanted) => {
    for (const from = turns; turns < from + wanted;) await Promise.race([...load, new Promise((resolve) => setTimeout(resolve, 10))]);
  };
  await more(6); // with tokens that the old secret got
  await cloud.control('/secret', { secret: fresh });
  writeFileSync(file, `${fresh}\n`);
  await more(6); // which are good still
  process.kill(own.pid, 'SIGHUP');
  await own.logged(/the new configuration serves/);
  await cloud.control('/fail', { at: 'enterprise', times: 1, status: 401 }); // the next one has to be fetched anew
  await more(6);
  isOver = true;
  await Promise.all(load);
  await own.logged(/nothing is left of an old configuration/);
});

test('what is taken at the start is named', async () => {
  await reload({ ...apart, listen: '127.0.0.1:1', log: { level: 'debug' } });
  await agent.logged(/taken at the start only.*"setting":"listen"/);
  await agent.logged(/taken at the start only.*"setting":"log.level"/);
});

test('counters go on', async () => {
  const text = await (await fetch(`http://${base.metrics.listen}/metrics`)).text();
  const value = (name) => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)[1]);
  assert.equal(value('sesame_gate_total{result="granted",reason=""}'), asked + 1);
  assert.equal(value('sesame_reloads_total{outcome="done"}'), count('the new configuration serves'));
  assert.equal(value('sesame_reloads_total{outcome="refused"}'), count('the old configuration goes on'));
  assert.equal(value('sesame_turns_open'), 0);
});

test('signals on top of one another', async () => {
  agent.configure(apart);
  for (let i = 0; i < 5; i++) process.kill(agent.pid, 'SIGHUP');
  assert.match(await ask(weather), /杭州|Hangzhou/);
  process.kill(agent.pid, 'SIGHUP'); // the end comes on top of it
});
