// Makes doc/page.png: the page with both answers, as the README shows it. usage: node screenshot.mjs FILE
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import puppeteer from 'puppeteer-core';

import { startStandIn } from '../local-cloud/stand_in.mjs';
import { startAgent } from './agent.mjs';

const cloud = await startStandIn();
const { listen, agent_url: agentUrl, ...web } = JSON.parse(readFileSync(join(cloud.folder, 'sesame.json'), 'utf8')).web;
const agent = await startAgent(cloud, { config: { web } });
await cloud.control('/redirects', { uri: `${agent.url}/` });
await agent.until('/ready', 200);
const browser = await puppeteer.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--lang=en-US'] });
const page = await browser.newPage();
await page.setViewport({ width: 860, height: 760 });
await page.goto(`${agent.url}/`);
await Promise.all([page.waitForNavigation(), page.click('#sign-in-button')]);
await Promise.all([page.waitForNavigation(), page.click('form button')]);
for (const [count, question] of [[1, 'What is the weather in Hangzhou right now?'], [2, 'Call my enterprise service']]) {
  await page.type('#question', question);
  await page.keyboard.press('Enter');
  await page.waitForFunction((n) => document.querySelectorAll('.message.agent:not([aria-busy])').length === n, {}, count);
}
await page.$eval('#messages', (log) => { log.scrollTop = 0; });
await page.screenshot({ path: process.argv[2] });
await browser.close();
await agent.stop();
await cloud.stop();
