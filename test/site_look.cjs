// node site_look.cjs ADDRESS PATH WORD: a site in a browser, light and dark, with a search for WORD in it.  Prints JSON: what was asked
// of others, what failed, and which pages were found.
const { chromium } = require('playwright-core');

(async () => {
	const [address, path, word] = process.argv.slice(2);
	const told = { elsewhere: [], failed: [], errors: [], found: [] };
	const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] });
	let page;
	for (const colorScheme of ['dark', 'light']) {
		page = await (await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme })).newPage();
		page.setDefaultTimeout(120000);
		page.setDefaultNavigationTimeout(120000);
		page.on('request', (request) => { if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(address)) told.elsewhere.push(request.url()); });
		// what the next page cuts short is no failure
		page.on('requestfailed', (request) => { if (request.failure().errorText !== 'net::ERR_ABORTED') told.failed.push(request.url()); });
		page.on('response', (response) => { if (response.status() >= 400) told.failed.push(response.url()); });
		page.on('pageerror', (error) => told.errors.push(String(error)));
		page.on('console', (message) => { if (message.type() === 'error') told.errors.push(message.text()); });
		await page.goto(`${address}/${path}`);
		told[colorScheme] = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
	}
	await page.fill('.md-search__input', word);
	await page.keyboard.press('Space');
	try { await page.waitForSelector('.md-search-result__link', { timeout: 120000 }); } catch (e) { told.errors.push(String(e)); }
	told.found = await page.$$eval('.md-search-result__link', (links) => links.map((link) => link.getAttribute('href')));
	if (process.env.SHOT) await page.screenshot({ path: process.env.SHOT });
	console.log(JSON.stringify(told));
	await browser.close();
})().catch((error) => { console.error(error); process.exit(1); });
