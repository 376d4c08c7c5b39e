// make screenshots: six pages of the demo, as a browser of 1440 × 900 shows them.  node shoot.cjs LINK FOLDER
const { chromium } = require('playwright-core');

const PAGES = [
	['overview', '#/', '.fresh a'],
	['table', (page) => page.locator('a', { hasText: /^cart$/ }), '.histogram', '&col=amount'],
	['lineage', '#/lineage?object=books.customer.companyname', '.node .path'],
	['runs', '#/runs', 'tbody tr'],
	['quality', '#/quality?tab=rules&rule=3', '.items tbody tr'],
	['events', '#/events', 'tbody tr'],
];

(async () => {
	const [link, folder] = process.argv.slice(2);
	const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] });
	const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, timezoneId: 'UTC', colorScheme: 'light' });
	const page = await context.newPage();
	await page.goto(link);
	await page.waitForSelector('.tiles', { timeout: 60000 });
	for (const [name, where, until, more] of PAGES) {
		await page.emulateMedia({ colorScheme: name === 'lineage' ? 'dark' : 'light' });
		if (typeof where === 'string') await page.evaluate((h) => { location.hash = h; }, where);
		else {
			await page.evaluate(() => { location.hash = '#/tables'; });
			await where(page).click();
			await page.waitForFunction(() => /^#\/tables\/\d+$/.test(location.hash));
			await page.evaluate((m) => { location.hash += '?' + m.slice(1); }, more);
		}
		await page.waitForSelector(until, { timeout: 60000 });
		await page.waitForFunction(() => !document.querySelector('main .waiting, main .wait'), undefined, { timeout: 60000 });
		await page.mouse.move(0, 0);
		await page.waitForTimeout(1500);
		await page.screenshot({ path: `${folder}/console-${name}.png` });
		console.log(`${folder}/console-${name}.png`);
	}
	await browser.close();
})().catch((error) => { console.error(error); process.exit(1); });
