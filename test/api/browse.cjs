// Opens pages in Debian's Chromium: node browse.cjs '{"url": …, "selector": …, "token": …, "click": …}'.  Prints what was seen, as JSON.
const { chromium } = require('playwright-core');

(async () => {
	const { url, selector, token, script } = JSON.parse(process.argv[2]);
	const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] });
	const page = await browser.newPage();
	const seen = { origins: [], violations: [], errors: [], found: 0 };
	page.on('request', (request) => {
		const at = new URL(request.url());
		if (at.protocol.startsWith('http') && !seen.origins.includes(at.origin)) seen.origins.push(at.origin);
	});
	page.on('dialog', (dialog) => dialog.accept(token));
	page.on('pageerror', (error) => seen.errors.push(String(error)));
	page.on('console', (message) => {
		if (message.type() === 'error') (/Content.Security.Policy/i.test(message.text()) ? seen.violations : seen.errors).push(message.text());
	});
	await page.goto(url);
	await page.waitForSelector(selector, { timeout: 60000 });
	seen.found = await page.locator(selector).count();
	if (script) seen.script = await page.evaluate(script);
	seen.text = (await page.locator('body').innerText()).slice(0, 2000);
	console.log(JSON.stringify(seen));
	await browser.close();
})().catch((error) => { console.log(JSON.stringify({ failed: String(error) })); process.exit(1); });
