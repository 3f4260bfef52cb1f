// What `./dev run` starts: the address that it prints opens both answers, whichever ports are taken, and Ctrl-C leaves nothing behind.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import puppeteer from 'puppeteer-core';

import { build } from './agent.mjs';

let base, browser;
const running = new Set();
before(async () => {
  base = mkdtempSync(join(tmpdir(), 'sesame-demo-test-'));
  browser = await puppeteer.launch({ executablePath: '/usr/bin/chromium', headless: true, args: ['--no-sandbox', '--disable-gpu', '--lang=en-US'] });
});
after(async () => {
  for (const pid of running) process.kill(-pid, 'SIGKILL'); // only what a failed test left behind
  await browser.close();
  rmSync(base, { recursive: true });
});

// In a process group of its own, as a shell starts it: Ctrl-C goes to all of the group.
function startDemo(...words) {
  const child = spawn(join(build, 'sesame'), ['demo', ...words], { detached: true, stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, TMPDIR: base } });
  let output = '';
  running.add(child.pid);
  const ended = new Promise((resolve) => child.on('close', (code, signal) => {
    running.delete(child.pid);
    resolve({ code, signal, output });
  }));
  const page = new Promise((resolve, reject) => {
    const read = (text) => {
      output += text;
      const found = /^ {2}Open (http:\S+) in a browser/m.exec(output);
      if (found) resolve(found[1]);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    ended.then((end) => reject(new Error(`the demo ended: ${JSON.stringify(end)}`)));
  });
  page.catch(() => {});
  return { page, ended, pid: child.pid, interrupt: () => process.kill(-child.pid, 'SIGINT'), output: () => output };
}
const processesOf = (group) => readdirSync('/proc').filter((name) => /^\d+$/.test(name) && (() => {
  try {
    const [state, , pgrp] = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1).split(' ');
    return Number(pgrp) === group && state !== 'Z';
  } catch {
    return false; // gone meanwhile
  }
})());

async function signedIn(url) {
  const page = await (await browser.createBrowserContext()).newPage();
  await page.goto(url);
  await page.waitForSelector('#sign-in:not([hidden])');
  await Promise.all([page.waitForNavigation(), page.click('#sign-in-button')]);
  await page.waitForSelector('form');
  await Promise.all([page.waitForNavigation(), page.click('form button')]);
  await page.waitForSelector('#chat:not([hidden])');
  return page;
}
async function ask(page, question) {
  const before = await page.$$eval('.message.agent', (boxes) => boxes.length);
  await page.type('#question', question);
  await page.keyboard.press('Enter');
  await page.waitForFunction((count) => document.querySelectorAll('.message.agent:not([aria-busy])').length > count, {}, before);
  return page.$$eval('.message.agent', (boxes) => boxes.at(-1).innerText);
}

test('two demos at once: each prints an address that is its own, and answers both questions there', async () => {
  const demos = [startDemo()];
  const urls = [await demos[0].page];
  demos.push(startDemo());
  urls.push(await demos[1].page);
  assert.notEqual(urls[0], urls[1]);
  const folders = readdirSync(base).map((name) => join(base, name));
  assert.equal(folders.length, 2);
  for (const folder of folders) assert.equal(statSync(folder).mode & 0o777, 0o700);
  for (const url of urls) {
    const policy = (await fetch(url)).headers.get('content-security-policy');
    assert.match(policy, /connect-src 'self' http:\/\/127\.0\.0\.1:\d+; base-uri/);
    const page = await signedIn(url);
    assert.match(await ask(page, 'What is the weather in Hangzhou right now?'), /°C/);
    assert.match(await ask(page, 'Call my enterprise service'), /sample enterprise service/);
    await page.close();
  }
  for (const folder of folders) {
    const { metrics } = JSON.parse(readFileSync(join(folder, 'sesame.json'), 'utf8'));
    assert.match(await (await fetch(`http://${metrics.listen}/metrics`)).text(), /^sesame_turns_total\{outcome="ok"\} 2$/m);
  }
  for (const demo of demos) {
    demo.interrupt();
    const { code, output } = await demo.ended;
    assert.equal(code, 0);
    assert.ok(!/eyJhbGciOi/.test(output), 'a token is in the log');
    assert.deepEqual(processesOf(demo.pid), []);
  }
  assert.deepEqual(readdirSync(base), []);
});

test('Ctrl-C lets the answer under way end, a second one does not', async () => {
  const demo = startDemo();
  const page = await signedIn(await demo.page);
  const [folder] = readdirSync(base);
  const control = /^SESAME_LOCAL_CLOUD_CONTROL=(.*)$/m.exec(readFileSync(join(base, folder, 'environment'), 'utf8'))[1];
  const slow = (count) => fetch(`${control}/switches`, { method: 'POST', body: JSON.stringify({ model: { delta_delay_ms: 50, delta_count: count } }) });
  await slow(20);
  const answered = ask(page, 'hello');
  await page.waitForSelector('.message.agent .text, .message.agent .thinking');
  demo.interrupt();
  assert.ok(!/broke|reached/.test(await answered), 'the answer was cut off');
  assert.equal((await demo.ended).code, 0);
  await page.close();

  const second = startDemo();
  const other = await signedIn(await second.page);
  const [again] = readdirSync(base);
  const at = /^SESAME_LOCAL_CLOUD_CONTROL=(.*)$/m.exec(readFileSync(join(base, again, 'environment'), 'utf8'))[1];
  await fetch(`${at}/switches`, { method: 'POST', body: JSON.stringify({ model: { delta_delay_ms: 50, delta_count: 10000 } }) });
  const cut = ask(other, 'hello');
  await other.waitForSelector('.message.agent .text, .message.agent .thinking');
  second.interrupt();
  for (let i = 0; i < 200 && !second.output().includes('no new connections'); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  second.interrupt();
  assert.equal((await second.ended).code, 0);
  assert.match(await cut, /broke|could not finish/);
  await other.close();
  assert.deepEqual(readdirSync(base), []);
});

test('Ctrl-C at any moment of the start leaves no process and no folder', async () => {
  for (const delay_ms of [0, 2, 5, 10, 15, 20, 30, 40, 60, 80, 120, 200]) {
    const demo = startDemo();
    // The moments are arbitrary on purpose: whatever each of them hits, the end must be the same.
    if (delay_ms > 0) await new Promise((resolve) => setTimeout(resolve, delay_ms));
    demo.interrupt();
    const { code, signal, output } = await demo.ended;
    assert.ok(code === 0 || signal === 'SIGINT', `after ${delay_ms} ms: ${code} ${signal} ${output}`);
    assert.deepEqual(processesOf(demo.pid), [], `after ${delay_ms} ms`);
    assert.deepEqual(readdirSync(base), [], `after ${delay_ms} ms`);
  }
});

test('words that it does not know, and a host file that is wrong, are said before anything starts for long', async () => {
  const unknown = await startDemo('fast').ended;
  assert.equal(unknown.code, 2);
  assert.match(unknown.output, /unexpected "fast"/);
  const missing = await startDemo('--config', join(base, 'none.json')).ended;
  assert.equal(missing.code, 2);
  assert.match(missing.output, /none\.json/);
  assert.ok(!existsSync(join(base, 'none.json')));
  assert.deepEqual(readdirSync(base), []);
});
