// What fails around a turn: the right status, words that say what to do, no secret, and a host that goes on serving.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';

import { startStandIn } from '../local-cloud/stand_in.mjs';
import { build, run, startAgent, userToken } from './agent.mjs';

let cloud, token, folder;
before(async () => {
  cloud = await startStandIn();
  token = await userToken(cloud);
  folder = mkdtempSync(join(tmpdir(), 'sesame-failures-'));
});
after(async () => {
  rmSync(folder, { recursive: true });
  assert.equal(await cloud.stop(), 0);
});
beforeEach(() => cloud.control('/reset', {}));

const WEATHER = 'What is the weather in Hangzhou right now?', SERVICE = 'Call my enterprise service';

async function withAgent({ config = {}, env = {}, ready = 200 }, use) {
  const agent = await startAgent(cloud, { config: { compat: { java_sample: false }, ...config }, env });
  try {
    await agent.until('/ready', ready);
    await use(agent, async (content, { bearer = token, ...more } = {}) => {
      const answer = await fetch(`${agent.url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify({ messages: [{ role: 'user', content }], ...more }),
        headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' } });
      const text = await answer.text();
      const events = text.split('\n').filter((line) => line.startsWith('data: {')).map((line) => JSON.parse(line.slice(6)));
      const body = text.startsWith('{') ? JSON.parse(text) : undefined;
      return { status: answer.status, headers: answer.headers, text, events, error: body?.error,
        said: body?.choices?.[0].message.content ?? events.map((event) => event.choices?.[0]?.delta?.content ?? '').join('') };
    });
    assert.equal((await fetch(`${agent.url}/health`)).status, 200);
  } finally {
    assert.equal(await agent.stop(), 0);
  }
}

// ---- before anything is served ----------------------------------------------------------------

test('each of the guide\'s variables is named when it is missing', async () => {
  for (const name of ['JWKS_ENDPOINT', 'AGENT_AUDIENCE', 'AGENT_SCOPE', 'ACCESS_IDENTITY', 'LLM_API_KEY_IDENTIFIER',
    'EXTERNAL_SERVER_API_KEY_IDENTIFIER', 'EXTERNAL_SERVER_URL', 'ENTERPRISE_SERVICE_URL', 'ENTERPRISE_SERVICE_SCOPE', 'IDAAS_CLIENT_SECRET']) {
    const { [name]: gone, ...env } = cloud.environment;
    assert.ok(gone.length > 0);
    const { code, err } = await run(['serve', '--listen', '127.0.0.1:0'], env);
    assert.equal(code, 2, `${name}: ${err}`);
    assert.match(err, new RegExp(`${name}.*not set|set.*${name}`, 's'));
  }
});

test('a file that may not be read is named, with the reason', { skip: process.getuid() !== 0 && 'needs root, to become somebody else' }, async () => {
  // Root reads everything: another user runs it, with copies of what he has to read.
  chmodSync(folder, 0o755);
  for (const name of ['client-config.json', 'ca.pem']) {
    copyFileSync(join(cloud.folder, name), join(folder, name));
    chmodSync(join(folder, name), 0o644);
  }
  writeFileSync(join(folder, 'sesame.json'), '{}');
  writeFileSync(join(folder, 'secret'), cloud.environment.IDAAS_CLIENT_SECRET);
  const env = { ...cloud.environment, CLOUD_IDAAS_CONFIG_PATH: join(folder, 'client-config.json'), SSL_CERT_FILE: join(folder, 'ca.pem'),
    IDAAS_CLIENT_SECRET: undefined, IDAAS_CLIENT_SECRET_FILE: join(folder, 'secret') };
  const asNobody = () => new Promise((resolve) => {
    const child = spawn('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all', '--bounding-set=-all',
      join(build, 'sesame'), 'config', 'check', '--config', join(folder, 'sesame.json')], { env });
    let text = '';
    child.stdout.on('data', (part) => { text += part; });
    child.stderr.on('data', (part) => { text += part; });
    child.on('exit', (code) => resolve({ code, text }));
  });
  const good = await asNobody();
  assert.equal(good.code, 0, good.text);
  for (const name of ['sesame.json', 'client-config.json', 'secret']) {
    chmodSync(join(folder, name), 0);
    const { code, text } = await asNobody();
    assert.equal(code, 2, text);
    assert.ok(text.includes(join(folder, name)), text);
    assert.match(text, /[Pp]ermission denied/);
    chmodSync(join(folder, name), 0o644);
  }
});

// ---- identity service and vault ---------------------------------------------------------------

test('a wrong client secret is 502 with the cause, and the host serves as soon as it is right', async () => {
  await cloud.control('/secret', { secret: 'recognise-me-other' });
  await withAgent({ ready: 503 }, async (agent, ask) => {
    const { status, error } = await ask('hello');
    assert.equal(status, 502);
    assert.equal(error.type, 'api_error');
    assert.match(error.message, /lacks a credential \(invalid_client\).*IDAAS_CLIENT_SECRET/);
    await cloud.control('/secret', { secret: cloud.environment.IDAAS_CLIENT_SECRET });
    await agent.until('/ready', 200);
    assert.equal((await ask(SERVICE)).status, 200);
  });
});

test('an unknown key identifier is 502 and says which setting, tools with other keys work', async () => {
  await withAgent({ env: { LLM_API_KEY_IDENTIFIER: 'no_such_key' } }, async (agent, ask) => {
    const { status, error } = await ask('hello');
    assert.equal(status, 502);
    assert.match(error.message, /lacks a credential \(ApiKeyNotFound\).*credentials\.llm\.identifier \(LLM_API_KEY_IDENTIFIER\)/);
    assert.ok(!error.message.includes('no_such_key'), 'what the setting holds is for the operator');
    assert.match(await agent.logged(/"a turn failed"/), /no_such_key.*LLM_API_KEY_IDENTIFIER/);
  });
  await withAgent({ env: { EXTERNAL_SERVER_API_KEY_IDENTIFIER: 'no_such_key' } }, async (agent, ask) => {
    const { status, said } = await ask(SERVICE);
    assert.equal(status, 200);
    assert.match(said, /sample enterprise service/);
  });
});

test('a key that the service no longer takes is fetched again within the request', async () => {
  await withAgent({}, async (agent, ask) => {
    await ask(WEATHER);
    for (const name of ['LLM_API_KEY_IDENTIFIER', 'EXTERNAL_SERVER_API_KEY_IDENTIFIER'])
      await cloud.control('/credentials', { identifier: cloud.environment[name], key: `recognise-me-newer-${name}` });
    const { status, said } = await ask(WEATHER);
    assert.equal(status, 200);
    assert.match(said, /°C/);
  });
});

test('tokens that expire or become worthless in mid-turn: the turn ends well, the next request is 401', async () => {
  await withAgent({ config: { inbound: { jwks_url: '${JWKS_ENDPOINT}', audience: '${AGENT_AUDIENCE}', scope: '${AGENT_SCOPE}', leeway_s: 0 } } },
    async (agent, ask) => {
      const brief = await userToken(cloud, { lifetime_s: 2 });
      await cloud.control('/switches', { model: { first_delay_ms: 1200 } }); // twice: the tool is called in between
      const { status, said } = await ask(SERVICE, { bearer: brief });
      assert.equal(status, 200);
      assert.match(said, /sample enterprise service/);
      await cloud.control('/reset', {});
      const late = await ask('hello', { bearer: brief });
      assert.equal(late.status, 401);
      assert.match(late.headers.get('www-authenticate'), /error="invalid_token"/);
      // The agent's own token for the service: the issuer forgot the key it was signed with.
      await cloud.control('/keys/rotate', { keep_old: false });
      token = await userToken(cloud);
      assert.match((await ask(SERVICE)).said, /sample enterprise service/);
    });
});

// ---- MCP server -------------------------------------------------------------------------------

test('an MCP server that is down at the start, comes, goes and comes again', async () => {
  const { port: mcpPort } = new URL(cloud.environment.EXTERNAL_SERVER_URL);
  const sockets = new Set();
  const front = net.createServer((socket) => {
    const back = net.connect(Number(mcpPort), '127.0.0.1');
    for (const one of [socket, back]) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => { socket.destroy(); back.destroy(); sockets.delete(one); });
    }
    socket.pipe(back).pipe(socket);
  });
  const up = (port) => new Promise((resolve) => { front.listen(port, '127.0.0.1', resolve); });
  const down = () => new Promise((resolve) => { front.close(resolve); for (const socket of sockets) socket.destroy(); });
  await up(0);
  const { port } = front.address();
  await down();
  // One worker: each has a list of its own.
  await withAgent({ config: { workers: 1 }, env: { EXTERNAL_SERVER_URL: cloud.environment.EXTERNAL_SERVER_URL.replace(`:${mcpPort}/`, `:${port}/`) } }, async (agent, ask) => {
    assert.match((await ask(SERVICE)).said, /sample enterprise service/);
    assert.match(await agent.logged(/"area":"[^"]*".*127\.0\.0\.1:\d+.*(refused|connect)|amap.*(refused|connect)/), /amap/);
    await up(port);
    let answer;
    for (let i = 0; i < 100 && !/°C/.test(answer?.said ?? ''); i++) {
      answer = await ask(WEATHER);
      if (!/°C/.test(answer.said)) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.match(answer.said, /°C/);
    await down();
    answer = await ask(WEATHER, { stream: true });
    assert.equal(answer.status, 200);
    const tool = answer.events.findLast((event) => event.sesame?.tool).sesame.tool;
    assert.equal(tool.outcome, 'failed');
    assert.match(tool.result, new RegExp(`127\\.0\\.0\\.1:${port}.*(refused|connect)`, 'i'));
    await up(port);
    assert.match((await ask(WEATHER)).said, /°C/);
  });
  await down();
});

// ---- model ------------------------------------------------------------------------------------

test('a model that has no time is 429 and passes on when to come back; one that fails is 502', async () => {
  await withAgent({}, async (agent, ask) => {
    await cloud.control('/fail', { at: 'model', times: 3, status: 429, headers: { 'retry-after': '0' },
      body: '{"error":{"message":"Requests rate limit exceeded","type":"limit_requests","code":"Throttling.RateQuota"}}' });
    const busy = await ask('hello');
    assert.equal(busy.status, 429);
    assert.equal(busy.headers.get('retry-after'), '0');
    assert.equal(busy.error.type, 'rate_limit_error');
    await cloud.control('/fail', { at: 'model', times: 3, status: 500, body: 'recognise-me-upstream-body' });
    const failed = await ask('hello');
    assert.equal(failed.status, 502);
    assert.deepEqual([failed.error.type, failed.error.code], ['api_error', 'upstream_error']);
    assert.equal((await ask('hello')).status, 200);
  });
});

for (const java_sample of [false, true])
  test(`a model's stream that is cut after some text: words, error event, end (${java_sample ? 'the sample\'s page' : 'OpenAI'})`, async () => {
    await withAgent({ config: { compat: { java_sample } } }, async (agent, ask) => {
      await cloud.control('/switches', { model: { quirks: 'cut' } });
      const { status, events, text } = await ask('hello', { stream: true });
      assert.equal(status, 200);
      const failed = events.findIndex((event) => event.error);
      assert.ok(failed > 0, text);
      assert.equal(events[failed].error.type, 'api_error');
      assert.match(events[failed].error.message, /model|connection|transfer/);
      // The sample's page passes over error events: what it can show comes before.
      const words = events.slice(0, failed).map((event) => event.choices?.[0]?.delta?.content ?? '').join('');
      if (java_sample) assert.match(words, /model|connection|transfer/);
      assert.match(text, /data: \[DONE\]\n\n$/);
      await cloud.control('/reset', {});
      assert.equal((await ask('hello')).status, 200);
    });
  });

// ---- the client -------------------------------------------------------------------------------

test('a client that hangs up while tools run: the MCP server is told, the other service is left', async () => {
  await withAgent({}, async (agent) => {
    await (await fetch(`${agent.url}/health`)).text();
    await cloud.control('/switches', { mcp: { delay_ms: 60000 }, enterprise: { delay_ms: 60000 } });
    for (const content of [WEATHER, SERVICE]) {
      const gone = new AbortController();
      const answer = await fetch(`${agent.url}/v1/chat/completions`, { method: 'POST', signal: gone.signal,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ stream: true, messages: [{ role: 'user', content }] }) });
      let text = '';
      for await (const part of answer.body.pipeThrough(new TextDecoderStream())) {
        text += part;
        if (text.includes('"state":"started"')) break;
      }
      gone.abort();
    }
    let counts, told;
    for (let i = 0; i < 300; i++) {
      counts = await cloud.control('/counts');
      const posts = await cloud.control('/requests?route=mcp');
      told = (await Promise.all(posts.map(({ number }) => cloud.control(`/requests/${number}`)))).find(({ body }) => body.includes('notifications/cancelled'));
      if (told !== undefined && counts.client_gone.mcp > 0 && counts.client_gone.enterprise > 0) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.ok(told !== undefined, 'the MCP server was never told');
    assert.ok(counts.client_gone.mcp > 0 && counts.client_gone.enterprise > 0, JSON.stringify(counts));
    assert.match(await agent.logged(/"event":"tool".*"outcome":"cancelled"/), /"tool":"(amap|enterprise)"/);
  });
});
